using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Published.Tests;

/// <summary>Inversions and edits of the published implementations on a small random-weight model, reproduced number by number.</summary>
[Trait("Category", "Reference")]
public sealed class NullTextTests(PublishedInversions published) : IClassFixture<PublishedInversions>, IDisposable
{
    private const string Target = "a tiger sitting next to a mirror";
    private static readonly NullTextInversion EarlyStop = new() { InnerSteps = 6, EarlyStop = 0.34994 };
    private static readonly Observation Traced = new() { Trace = true };
    private readonly Reference reference = new();
    private readonly DisposeScope scope = NewDisposeScope();

    [Fact]
    public void TheInversionRunsThroughThePublishedLatents()
    {
        var found = published.Source("ddim");
        AssertClose(Golden("inversion_main", "ddim_latents"), found.Latents, 1e-4, "trajectory");
        AssertClose(Golden("edits", "recon_plain.latents")[^1], found.SourceTrajectory[^1].unsqueeze(0), 1e-3, "guided replay");
    }

    // Adam moves nearly every element by the learning rate, whatever the gradient's size: a wrong sign of one element shows. The tolerances
    // are those that the reference's own perturbation of 10⁻⁶ suggests, with room for another order of summation.
    [Fact]
    public void AnOptimizationThatStopsEarlyTakesThePublishedSteps()
    {
        var found = published.Invert(EarlyStop);
        Assert.Equal(Golden("inversion_earlystop", "inner_iterations").data<long>().ToArray(), found.Losses.Select(l => (long)l.Count));
        var losses = Golden("inversion_earlystop", "losses_padded_nan");
        for (var step = 0; step < found.Losses.Count; step++)
            AssertLosses(losses[step], found.Losses[step]);
        AssertEmbedding(Golden("inversion_earlystop", "uncond_embeddings"), found.Unconditional!.Text);
    }

    // Each after the published timesteps before it: the first begins with the empty prompt, the last with a lower learning rate.
    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void ATimestepThatDoesNotStopEarlyTakesThePublishedSteps(int timestep)
    {
        var (losses, embedding) = published.Optimize(timestep);
        Assert.Equal(10, losses.Count);
        AssertLosses(Golden("inversion_main", "losses_padded_nan")[timestep], losses);
        AssertEmbedding(Golden("inversion_main", "uncond_embeddings")[timestep], embedding);
    }

    // Read back from the file: index 0 is the first step of denoising.
    [Fact]
    public void TheTraceHasThePublishedNumbersStepByStep()
    {
        var found = published.Invert(EarlyStop);
        var trace = reference.Trace(path => found.SaveTrace(path, published.Model));
        Assert.Equal(
            ["inversion.iterations", "inversion.latents", "inversion.loss", "inversion.uncond", "latents", "timesteps"],
            trace.Keys.Order(StringComparer.Ordinal));
        AssertClose(Golden("inversion_main", "ddim_latents"), trace["inversion.latents"], 1e-4, "trajectory");
        Assert.Equal(Golden("inversion_main", "timesteps").data<long>().ToArray(), trace["timesteps"].data<long>().ToArray());
        var iterations = Golden("inversion_earlystop", "inner_iterations").data<long>().ToArray();
        Assert.Equal(iterations, trace["inversion.iterations"].data<long>().ToArray());
        var (losses, last) = (Golden("inversion_earlystop", "losses_padded_nan"), trace["inversion.loss"]);
        Assert.Equal((ScalarType.Float32, iterations.Length), (last.dtype, last.shape[0]));
        for (var step = 0; step < iterations.Length; step++)
            Assert.Equal(1, last[step].ToDouble() / losses[step, iterations[step] - 1].ToDouble(), 1e-4);
        Assert.Equal([5, 77, 32], trace["inversion.uncond"].shape);
        AssertEmbedding(Golden("inversion_earlystop", "uncond_embeddings"), trace["inversion.uncond"]);
        AssertClose(found.SourceTrajectory.unsqueeze(1), trace["latents"], 1e-6, "the source's way");
    }

    [Theory]
    [InlineData("edit_null.replace_blend_eq", "null-text", "replace_blend_eq")]
    [InlineData("edit_null.refine_eq", "null-text", "refine_eq")]
    [InlineData("edit_ddim_plain.replace", "ddim", "replace")]
    [InlineData("npi.edit_replace", "negative-prompt", "replace")]
    [InlineData("direct.edit_replace", "direct", "replace")]
    public void EditsMatchThePublishedOnes(string name, string method, string edit)
    {
        using var result = published.Session(method).Edit(Edit(edit), Traced);
        var golden = Golden("edits", name + ".latents");
        AssertClose(golden.narrow(1, 0, 1), Last(published.Source(method).SourceTrajectory.unsqueeze(1)), 1e-3, $"source of {name}");
        AssertClose(golden.narrow(1, 1, 1), Last(reference.Trace(result)["latents"]), 1e-3, name);

        // The published latents of some runs are those of the last steps.
        Tensor Last(Tensor way) => way.narrow(0, way.shape[0] - golden.shape[0], golden.shape[0]);
    }

    // In one batch with the source.
    [Fact]
    public void LocalBlendMatchesThePublishedOne()
    {
        const string Name = "replace_eq_blend_sub";
        var found = published.Source("null-text");
        var options = reference.Json("nulltext/edit_blend.json");
        var thresholds = options.GetProperty("th").EnumerateArray().Select(t => t.GetDouble()).ToArray();
        var edit = Edit("replace_blend_eq") with
        {
            BlendThreshold = thresholds[0],
            BlendSubtractThreshold = thresholds[1],
            BlendSubtract = BlendWords.Parse("mirror"),
        };
        using var result = EditRun.Execute(published.Model, GenerationRequest.Of(found), edit, Traced);
        var trace = reference.Trace(result);
        AssertClose(Golden("edit_blend", Name + ".latents")[0], trace["latents"][^1], 1e-3, Name);
        Assert.InRange(Golden("edit_blend", Name + ".masks").ne(trace["blend.mask"]).sum().ToInt64(), 0, 8);
    }

    public void Dispose()
    {
        scope.Dispose();
        reference.Dispose();
    }

    private static EditRequest Edit(string name)
    {
        return new EditRequest
        {
            Prompts = [Target],
            Alignment = name.StartsWith("refine", StringComparison.Ordinal) ? AlignmentKind.Refine : AlignmentKind.Replace,
            CrossSteps = CrossReplaceSteps.Parse(["0.8"]),
            SelfSteps = StepWindow.Parse("0.5"),
            Weights = name.EndsWith("_eq", StringComparison.Ordinal) ? [new WordWeight("tiger", 2)] : [],
            Blend = name.Contains("blend", StringComparison.Ordinal) ? BlendWords.Parse("cat:tiger") : null,
        };
    }

    private static void AssertLosses(Tensor expected, IReadOnlyList<double> actual)
    {
        for (var i = 0; i < actual.Count; i++)
            Assert.Equal(1, actual[i] / expected[i].ToDouble(), 1e-4);
    }

    private static void AssertEmbedding(Tensor expected, Tensor actual) => Assert.InRange((expected.view_as(actual) - actual).abs().max().ToDouble(), 0, 1e-3);

    private Tensor Golden(string file, string name) => reference.Tensors($"nulltext/{file}.safetensors").Read(name);
}
