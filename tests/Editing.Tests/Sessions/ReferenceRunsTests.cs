using System.Text.Json;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Sessions;

/// <summary>Whole runs of the published implementation on a small random-weight model, reproduced number by number.</summary>
public sealed class ReferenceRunsTests
{
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
        using var reference = new Reference();
        var json = reference.Json($"p2p/{name}.json");
        var golden = reference.Tensors($"p2p/{name}.safetensors");
        using var scope = NewDisposeScope();
        using var result = EditRun.Execute(reference.Model("tiny-sd15"), Request(json, reference.Tensors("p2p/x_T.safetensors").Read("x_T")));

        Assert.Equal(golden.Read("timesteps").data<long>().ToArray(), result.Timesteps);
        var trace = reference.Trace(result);
        var steps = json.GetProperty("saved_steps").EnumerateArray().Select(s => s.GetInt32()).ToList();
        var whole = golden.Tensors.ContainsKey("latents");
        var expected = golden.Read(whole ? "latents" : "latents_edit");
        for (var i = 0; i < steps.Count; i++)
            Reference.AssertClose(expected[i], whole ? trace["latents"][steps[i] + 1] : trace["latents"][steps[i] + 1].slice(0, 1, expected.shape[1] + 1, 1), 1e-3, $"latents of step {steps[i]}");
        foreach (var row in golden.Tensors.Keys.Where(k => k.StartsWith("avg_cross16.row", StringComparison.Ordinal)))
            Reference.AssertClose(golden.Read(row).permute(2, 0, 1), trace["attention.cross.16"][int.Parse(row[^1..])], 1e-3, row);
        if (golden.Tensors.ContainsKey("lb_masks"))
            AssertMasks(golden.Read("lb_masks"), trace["blend.mask"], stable: name.StartsWith("st", StringComparison.Ordinal));
        if (golden.Tensors.ContainsKey("images_u8"))
        {
            var rows = json.GetProperty("images_rows").EnumerateArray().Select(r => r.GetInt64()).ToArray();
            var difference = golden.Read("images_u8").to(ScalarType.Int32) - trace["images"].index_select(0, tensor(rows)).to(ScalarType.Int32);
            Assert.InRange(difference.abs().gt(1).to(ScalarType.Float32).mean().ToDouble(), 0, 1e-4);
        }
    }

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

    // A pixel exactly at the threshold may fall on either side.
    private static void AssertMasks(Tensor expected, Tensor actual, bool stable)
    {
        if (stable)
            (expected, actual) = (expected.slice(1, 1, expected.shape[1], 1), actual.slice(1, 1, actual.shape[1], 1));
        Assert.InRange(expected.ne(actual).sum().ToInt64(), 0, 8);
    }
}
