using System.Text.Json;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using static TorchSharp.torch;

namespace PromptToPrompt.Published.Tests;

/// <summary>
/// The runs that the reference files have. Nearly all edit one source picture, which is made once: a row of this model is expensive, since it
/// attends to itself at 64×64 positions.
/// </summary>
public sealed class PublishedRuns : IDisposable
{
    private const string Unedited = "st_empty";
    private static readonly Observation Traced = new() { Trace = true };

    // Opened by the first test that runs: a fixture cannot skip where the files are not there, a test can.
    private readonly Lazy<Reference> reference = new(() => new Reference());
    private StableDiffusionModel? model;
    private Tensor? noise;
    private EditSession? session;
    private EditResult? source;

    /// <summary>The session that runs edit; its source has run.</summary>
    internal EditSession Session
    {
        get
        {
            if (session is null)
            {
                session = new EditSession(Model, SourceOf(reference.Value.Json($"p2p/{Unedited}.json")), ScalarType.Float32, long.MaxValue);
                source = session.RunSource(Traced);
            }

            return session;
        }
    }

    /// <summary>The session's source.</summary>
    internal EditResult Source => Session is not null ? source! : throw new InvalidOperationException();

    private StableDiffusionModel Model => model ??= reference.Value.Model("tiny-sd15");

    private Tensor Noise => noise ??= reference.Value.Tensors("p2p/x_T.safetensors").Read("x_T").DetachFromDisposeScope();

    /// <summary>A run with its source, in one batch.</summary>
    internal EditResult InOneBatch(JsonElement run) => EditRun.Execute(Model, SourceOf(run), EditOf(run), Traced);

    /// <summary>A run's edits alone.</summary>
    internal EditResult InSession(JsonElement run)
    {
        Assert.Equal(SourceOf(reference.Value.Json($"p2p/{Unedited}.json")), SourceOf(run));
        return Session.Edit(EditOf(run), Traced);
    }

    public void Dispose()
    {
        source?.Dispose();
        session?.Dispose();
        noise?.Dispose();
        if (reference.IsValueCreated)
            reference.Value.Dispose();
    }

    private GenerationRequest SourceOf(JsonElement run) => new()
    {
        Prompt = Prompts(run)[0],
        Sampling = new SamplingSettings
        {
            Steps = run.GetProperty("num_steps").GetInt32(),
            Guidance = run.GetProperty("guidance_scale").GetDouble(),
            Scheduler = run.TryGetProperty("sched", out var scheduler) && scheduler.GetString() == "pndm" ? SchedulerKind.Pndm : SchedulerKind.Ddim,
            StepsOffset = run.GetProperty("steps_offset").GetInt32(),
        },
        InitialLatents = Noise,
    };

    private static EditRequest EditOf(JsonElement run)
    {
        var stable = run.GetProperty("nb").GetString() == "stable";
        var kind = run.TryGetProperty("prev", out var previous) ? previous.GetString() : run.GetProperty("kind").GetString();
        var free = kind is "empty" or "store";
        var edit = new EditRequest
        {
            Prompts = Prompts(run)[1..],
            Alignment = kind switch { "replace" => AlignmentKind.Replace, "refine" => AlignmentKind.Refine, _ => AlignmentKind.Naive },
            CrossSteps = free ? CrossReplaceSteps.Parse(["0..0"]) : CrossSteps(run.GetProperty("cross")),
            SelfSteps = free ? StepWindow.Parse("0..0") : Window(run.GetProperty("self")),
            SelfResolution = stable && !free ? 16 : 32,
            Weights = run.TryGetProperty("eq", out var eq)
                ? [.. eq[0].EnumerateArray().Zip(eq[1].EnumerateArray()).Select(p => new WordWeight(p.First.GetString()!, (float)p.Second.GetDouble()))]
                : [],
        };
        if (!run.TryGetProperty("lb", out var blend))
            return edit;
        var thresholds = blend.TryGetProperty("th", out var th) ? th.EnumerateArray().Select(t => t.GetDouble()).ToArray()
            : [blend.TryGetProperty("threshold", out var one) ? one.GetDouble() : 0.3, 0.3];
        return edit with
        {
            Blend = Words(blend.GetProperty("words")),
            BlendSubtract = blend.TryGetProperty("substruct_words", out var subtract) ? Words(subtract) : null,
            BlendThreshold = thresholds[0],
            BlendSubtractThreshold = thresholds[1],
            BlendStart = stable ? 0 : blend.GetProperty("start_blend").GetDouble(),
        };
    }

    private static string[] Prompts(JsonElement run) => [.. run.GetProperty("prompts").EnumerateArray().Select(p => p.GetString()!)];

    private static BlendWords Words(JsonElement words) => BlendWords.Parse(string.Join(':', words.EnumerateArray().Select(w =>
        w.ValueKind == JsonValueKind.Array ? string.Join(',', w.EnumerateArray().Select(x => x.GetString())) : w.GetString())));

    private static CrossReplaceSteps CrossSteps(JsonElement cross) => cross.ValueKind == JsonValueKind.Object
        ? CrossReplaceSteps.Parse([.. cross.EnumerateObject().Select(p => p.Name == "default_" ? Text(p.Value) : $"{p.Name}={Text(p.Value)}")])
        : CrossReplaceSteps.Parse([Text(cross)]);

    private static StepWindow Window(JsonElement value) => StepWindow.Parse(Text(value));

    private static string Text(JsonElement value)
        => value.ValueKind == JsonValueKind.Array ? $"{value[0].GetRawText()}..{value[1].GetRawText()}" : value.GetRawText();
}
