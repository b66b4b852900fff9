using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Inversion;

/// <summary>Inversions and edits of the published implementations on a small random-weight model, reproduced number by number.</summary>
[Trait("Category", "Reference")]
public sealed class NullTextReferenceTests(PublishedInversions published) : IClassFixture<PublishedInversions>, IDisposable
{
    private const string Target = "a tiger sitting next to a mirror";
    private static readonly Observation Traced = new() { Trace = true };
    private readonly Reference reference = new();
    private readonly DisposeScope scope = NewDisposeScope();

    [Fact]
    public void TheInversionRunsThroughThePublishedLatents()
    {
        var found = published.Invert("ddim");
        AssertClose(Golden("inversion_main", "ddim_latents"), found.Latents, 1e-4, "trajectory");
        AssertClose(Golden("edits", "recon_plain.latents")[^1], found.SourceTrajectory[^1].unsqueeze(0), 1e-3, "guided replay");
    }

    // Adam moves nearly every element by the learning rate, whatever the gradient's size: a wrong sign of one element shows. The tolerances
    // are those that the reference's own perturbation of 10⁻⁶ suggests, with room for another order of summation.
    [Theory]
    [InlineData("inversion_main", 10, 1e-5)]
    [InlineData("inversion_earlystop", 6, 0.34994)]
    public void TheOptimizationTakesThePublishedSteps(string name, int innerSteps, double earlyStop)
    {
        var found = published.Invert("null-text", innerSteps, earlyStop);
        var iterations = Golden(name, "inner_iterations").data<long>().ToArray();
        Assert.Equal(iterations, found.Losses.Select(l => (long)l.Count));
        var losses = Golden(name, "losses_padded_nan");
        for (var step = 0; step < found.Losses.Count; step++)
        {
            for (var i = 0; i < found.Losses[step].Count; i++)
                Assert.Equal(1, found.Losses[step][i] / losses[step, i].ToDouble(), 1e-4);
        }

        Assert.InRange((Golden(name, "uncond_embeddings").view_as(found.Unconditional!.Text) - found.Unconditional!.Text).abs().max().ToDouble(), 0, 1e-3);
    }

    // Read back from the file: index 0 is the first step of denoising.
    [Theory]
    [InlineData("inversion_main", 10, 1e-5)]
    [InlineData("inversion_earlystop", 6, 0.34994)]
    public void TheTraceHasThePublishedNumbersStepByStep(string name, int innerSteps, double earlyStop)
    {
        var found = published.Invert("null-text", innerSteps, earlyStop);
        var trace = reference.Trace(path => found.SaveTrace(path, published.Model));
        Assert.Equal(
            ["inversion.iterations", "inversion.latents", "inversion.loss", "inversion.uncond", "latents", "timesteps"],
            trace.Keys.Order(StringComparer.Ordinal));
        AssertClose(Golden("inversion_main", "ddim_latents"), trace["inversion.latents"], 1e-4, "trajectory");
        Assert.Equal(Golden("inversion_main", "timesteps").data<long>().ToArray(), trace["timesteps"].data<long>().ToArray());
        var iterations = Golden(name, "inner_iterations").data<long>().ToArray();
        Assert.Equal(iterations, trace["inversion.iterations"].data<long>().ToArray());
        var (losses, last) = (Golden(name, "losses_padded_nan"), trace["inversion.loss"]);
        Assert.Equal((ScalarType.Float32, iterations.Length), (last.dtype, last.shape[0]));
        for (var step = 0; step < iterations.Length; step++)
            Assert.Equal(1, last[step].ToDouble() / losses[step, iterations[step] - 1].ToDouble(), 1e-4);
        var embeddings = Golden(name, "uncond_embeddings");
        Assert.Equal([5, 77, 32], trace["inversion.uncond"].shape);
        Assert.InRange((embeddings.view_as(trace["inversion.uncond"]) - trace["inversion.uncond"]).abs().max().ToDouble(), 0, 1e-3);
        AssertClose(found.SourceTrajectory.unsqueeze(1), trace["latents"], 1e-6, "the source's way");
    }

    [Theory]
    [InlineData("edit_null.replace", "null-text", "replace")]
    [InlineData("edit_null.replace_blend_eq", "null-text", "replace_blend_eq")]
    [InlineData("edit_null.refine_eq", "null-text", "refine_eq")]
    [InlineData("edit_null.nocontrol", "null-text", "nocontrol")]
    [InlineData("edit_ddim_plain.replace", "ddim", "replace")]
    [InlineData("npi.edit_replace", "negative-prompt", "replace")]
    [InlineData("direct.edit_replace", "direct", "replace")]
    [InlineData("direct.edit_replace_blend_eq", "direct", "replace_blend_eq")]
    public void EditsMatchThePublishedOnes(string name, string method, string edit)
    {
        using var result = published.Session(method).Edit(Edit(edit), Traced);
        var golden = Golden("edits", name + ".latents");
        AssertClose(golden.narrow(1, 0, 1), Last(published.Invert(method).SourceTrajectory.unsqueeze(1)), 1e-3, $"source of {name}");
        AssertClose(golden.narrow(1, 1, 1), Last(reference.Trace(result)["latents"]), 1e-3, name);

        // The published latents of some runs are those of the last steps.
        Tensor Last(Tensor way) => way.narrow(0, way.shape[0] - golden.shape[0], golden.shape[0]);
    }

    // In one batch with the source.
    [Theory]
    [InlineData("replace_eq_blend", false)]
    [InlineData("replace_eq_blend_sub", true)]
    public void LocalBlendMatchesThePublishedOne(string name, bool subtract)
    {
        var found = published.Invert("null-text");
        var options = reference.Json("nulltext/edit_blend.json");
        var thresholds = options.GetProperty("th").EnumerateArray().Select(t => t.GetDouble()).ToArray();
        var edit = Edit("replace_blend_eq") with
        {
            BlendThreshold = thresholds[0],
            BlendSubtractThreshold = thresholds[1],
            BlendSubtract = subtract ? BlendWords.Parse("mirror") : null,
        };
        using var result = EditRun.Execute(published.Model, GenerationRequest.Of(found), edit, Traced);
        var trace = reference.Trace(result);
        AssertClose(Golden("edit_blend", name + ".latents")[0], trace["latents"][^1], 1e-3, name);
        Assert.InRange(Golden("edit_blend", name + ".masks").ne(trace["blend.mask"]).sum().ToInt64(), 0, 8);
    }

    public void Dispose()
    {
        scope.Dispose();
        reference.Dispose();
    }

    private static EditRequest Edit(string name)
    {
        var free = name == "nocontrol";
        return new EditRequest
        {
            Prompts = [Target],
            Alignment = name.StartsWith("refine", StringComparison.Ordinal) ? AlignmentKind.Refine : free ? AlignmentKind.Naive : AlignmentKind.Replace,
            CrossSteps = CrossReplaceSteps.Parse([free ? "0..0" : "0.8"]),
            SelfSteps = StepWindow.Parse(free ? "0..0" : "0.5"),
            Weights = name.EndsWith("_eq", StringComparison.Ordinal) ? [new WordWeight("tiger", 2)] : [],
            Blend = name.Contains("blend", StringComparison.Ordinal) ? BlendWords.Parse("cat:tiger") : null,
        };
    }

    private Tensor Golden(string file, string name) => reference.Tensors($"nulltext/{file}.safetensors").Read(name);
}
