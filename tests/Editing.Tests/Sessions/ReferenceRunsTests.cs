using System.Text.Json;
using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Sessions;

/// <summary>Whole runs of the published implementation on a small random-weight model, reproduced number by number.</summary>
public sealed class ReferenceRunsTests : IDisposable
{
    private static readonly string? Reference = FindReference();
    private readonly List<IDisposable> owned = [];

    [Theory]
    [InlineData("st_replace")]
    [InlineData("st_replace_dict")]
    [InlineData("st_refine_b3")]
    [InlineData("st_self1")]
    [InlineData("st_store")]
    [InlineData("st_pndm_replace")]
    [InlineData("st_replace_lb_t65")]
    [InlineData("nt_replace")]
    [InlineData("nt_replace_b3")]
    [InlineData("nt_replace_multitok")]
    [InlineData("nt_refine")]
    [InlineData("nt_refine_reweight")]
    [InlineData("nt_replace_reweight")]
    [InlineData("nt_reweight_m2")]
    [InlineData("nt_reweight_x3")]
    [InlineData("nt_self0")]
    [InlineData("nt_replace_lb_sub")]
    [InlineData("nt_refine_lb_b3")]
    public void RunMatchesThePublishedImplementation(string name)
    {
        Assert.SkipUnless(Reference is not null, "The reference files are not here (shared/reference beside the checkout, or P2P_REFERENCE).");
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Reference, "p2p", name + ".json")));
        using var golden = SafetensorsFile.Open(Path.Combine(Reference, "p2p", name + ".safetensors"));
        using var noise = SafetensorsFile.Open(Path.Combine(Reference, "p2p", "x_T.safetensors"));
        using var model = StableDiffusionModel.Load(Path.Combine(Reference, "tiny-sd15"));
        using var scope = NewDisposeScope();
        using var result = EditRun.Execute(model, Request(json.RootElement, noise.Read("x_T")));

        Assert.Equal(golden.Read("timesteps").data<long>().ToArray(), result.Timesteps);
        var trace = Trace(result);
        var steps = json.RootElement.GetProperty("saved_steps").EnumerateArray().Select(s => s.GetInt32()).ToList();
        var whole = golden.Tensors.ContainsKey("latents");
        var expected = golden.Read(whole ? "latents" : "latents_edit");
        for (var i = 0; i < steps.Count; i++)
            AssertClose(expected[i], whole ? trace["latents"][steps[i] + 1] : trace["latents"][steps[i] + 1].slice(0, 1, expected.shape[1] + 1, 1), 1e-3, $"latents of step {steps[i]}");
        foreach (var row in golden.Tensors.Keys.Where(k => k.StartsWith("avg_cross16.row", StringComparison.Ordinal)))
            AssertClose(golden.Read(row).permute(2, 0, 1), trace["attention.cross.16"][int.Parse(row[^1..])], 1e-3, row);
        if (golden.Tensors.ContainsKey("lb_masks"))
            AssertMasks(golden.Read("lb_masks"), trace["blend.mask"], stable: name.StartsWith("st", StringComparison.Ordinal));
        if (golden.Tensors.ContainsKey("images_u8"))
        {
            var rows = json.RootElement.GetProperty("images_rows").EnumerateArray().Select(r => r.GetInt64()).ToArray();
            var difference = golden.Read("images_u8").to(ScalarType.Int32) - trace["images"].index_select(0, tensor(rows)).to(ScalarType.Int32);
            Assert.InRange(difference.abs().gt(1).to(ScalarType.Float32).mean().ToDouble(), 0, 1e-4);
        }
    }

    public void Dispose() => owned.ForEach(o => o.Dispose());

    private static EditRequest Request(JsonElement run, Tensor noise)
    {
        var prompts = run.GetProperty("prompts").EnumerateArray().Select(p => p.GetString()!).ToList();
        var stable = run.GetProperty("nb").GetString() == "stable";
        var kind = run.TryGetProperty("prev", out var previous) ? previous.GetString() : run.GetProperty("kind").GetString();
        var free = kind is "empty" or "store";
        var request = new EditRequest
        {
            Source = prompts[0],
            Targets = prompts[1..],
            Steps = run.GetProperty("num_steps").GetInt32(),
            Guidance = run.GetProperty("guidance_scale").GetDouble(),
            Sampler = run.TryGetProperty("sched", out var sampler) && sampler.GetString() == "pndm" ? SamplerKind.Pndm : SamplerKind.Ddim,
            StepsOffset = run.GetProperty("steps_offset").GetInt32(),
            InitialLatents = noise,
            Trace = true,
            Edit = new EditSpecification
            {
                Kind = kind switch { "replace" => AlignmentKind.Replace, "refine" => AlignmentKind.Refine, _ => AlignmentKind.Naive },
                CrossSteps = free ? CrossReplaceSteps.Parse(["0..0"]) : CrossSteps(run.GetProperty("cross")),
                SelfSteps = free ? StepWindow.Parse("0..0") : Window(run.GetProperty("self")),
                SelfResolution = stable ? 16 : 32,
                Weights = run.TryGetProperty("eq", out var eq)
                    ? [.. eq[0].EnumerateArray().Zip(eq[1].EnumerateArray()).Select(p => new WordWeight(p.First.GetString()!, (float)p.Second.GetDouble()))]
                    : [],
            },
        };
        if (!run.TryGetProperty("lb", out var blend))
            return request;
        var thresholds = blend.TryGetProperty("th", out var th) ? th.EnumerateArray().Select(t => t.GetDouble()).ToArray()
            : [blend.TryGetProperty("threshold", out var one) ? one.GetDouble() : 0.3, 0.3];
        return request with
        {
            Blend = Words(blend.GetProperty("words")),
            BlendSubtract = blend.TryGetProperty("substruct_words", out var subtract) ? Words(subtract) : null,
            BlendThreshold = thresholds[0],
            BlendSubtractThreshold = thresholds[1],
            BlendStart = stable ? 0 : blend.GetProperty("start_blend").GetDouble(),
        };
    }

    private static BlendWords Words(JsonElement words) => BlendWords.Parse(string.Join(':', words.EnumerateArray().Select(w =>
        w.ValueKind == JsonValueKind.Array ? string.Join(',', w.EnumerateArray().Select(x => x.GetString())) : w.GetString())));

    private static CrossReplaceSteps CrossSteps(JsonElement cross) => cross.ValueKind == JsonValueKind.Object
        ? CrossReplaceSteps.Parse([.. cross.EnumerateObject().Select(p => p.Name == "default_" ? Text(p.Value) : $"{p.Name}={Text(p.Value)}")])
        : CrossReplaceSteps.Parse([Text(cross)]);

    private static StepWindow Window(JsonElement value) => StepWindow.Parse(Text(value));

    private static string Text(JsonElement value)
        => value.ValueKind == JsonValueKind.Array ? $"{value[0].GetRawText()}..{value[1].GetRawText()}" : value.GetRawText();

    private static void AssertClose(Tensor expected, Tensor actual, double tolerance, string what)
    {
        var error = (expected - actual).abs().max().ToDouble() / expected.abs().max().ToDouble();
        Assert.True(error < tolerance, $"{what}: relative error {error:E2}");
    }

    // A pixel exactly at the threshold may fall on either side.
    private static void AssertMasks(Tensor expected, Tensor actual, bool stable)
    {
        if (stable)
            (expected, actual) = (expected.slice(1, 1, expected.shape[1], 1), actual.slice(1, 1, actual.shape[1], 1));
        Assert.InRange(expected.ne(actual).sum().ToInt64(), 0, 8);
    }

    private static string? FindReference()
    {
        if (Environment.GetEnvironmentVariable("P2P_REFERENCE") is { Length: > 0 } path)
            return Directory.Exists(path) ? path : null;
        for (var here = new DirectoryInfo(AppContext.BaseDirectory); here is not null; here = here.Parent)
        {
            var candidate = Path.Combine(here.FullName, "shared", "reference");
            if (Directory.Exists(candidate))
                return candidate;
        }

        return null;
    }

    private Dictionary<string, Tensor> Trace(EditResult result)
    {
        var path = Path.Combine(Path.GetTempPath(), $"p2p-trace-{Guid.NewGuid():N}.safetensors");
        result.SaveTrace(path);
        var file = SafetensorsFile.Open(path);
        File.Delete(path);
        owned.Add(file);
        return file.Tensors.Keys.ToDictionary(k => k, file.Read);
    }
}
