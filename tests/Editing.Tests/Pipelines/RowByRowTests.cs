using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Pipelines;

/// <summary>Rows that are computed one after another give what they give together.</summary>
public sealed class RowByRowTests(TinyModel small) : IClassFixture<TinyModel>
{
    private static readonly GenerationRequest Source = new() { Prompt = "a red house in a field", Sampling = new() { Steps = 4, Guidance = 4, Seed = 3 } };

    private static readonly EditRequest Edit = new()
    {
        Prompts = ["a red castle in a field", "a (red:2) house in a field"],
        Blend = BlendWords.Parse("house:castle:house"),
        BlendThreshold = 0.8,
        BlendStart = 0,
    };

    private static readonly Observation Observed = new() { Attention = true, SelfAttention = true, Trace = true };

    private readonly StableDiffusionModel model = small.Model;

    [Fact]
    public void EditsAndMapsAreThoseOfOneBatch()
    {
        using var together = EditRun.Execute(model, Source, Edit, Observed);
        using var apart = EditRun.Execute(model, Source with { RowByRow = true }, Edit, Observed);

        AssertClose(together.Latents, apart.Latents);
        for (var prompt = 0; prompt <= Edit.Prompts.Count; prompt++)
            AssertClose(together.Maps!.Mean(prompt), apart.Maps!.Mean(prompt));
        var (pattern, other) = (together.SelfAttention!.Components(1)[0].Values, apart.SelfAttention!.Components(1)[0].Values);
        Assert.All(pattern.Zip(other), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
    }

    [Fact]
    public void WithoutGuidanceAsWell()
    {
        var unguided = Source with { Sampling = Source.Sampling with { Guidance = 1 } };
        var plain = Edit with { Blend = null };
        using var together = EditRun.Execute(model, unguided, plain);
        using var apart = EditRun.Execute(model, unguided with { RowByRow = true }, plain);

        AssertClose(together.Latents, apart.Latents);
    }

    [Fact]
    public void WithTheSelfAttentionOfUnconditionalRowsAsWell()
    {
        var edit = new EditRequest { Prompts = Edit.Prompts, SelfSteps = StepWindow.Always, SelfUnconditional = true };
        using var together = EditRun.Execute(model, Source, edit);
        using var apart = EditRun.Execute(model, Source with { RowByRow = true }, edit);
        using var session = new EditSession(model, Source, ScalarType.Float32, long.MaxValue, selfUnconditional: true);
        using var source = session.RunSource();
        using var edits = session.Edit(edit);

        AssertClose(together.Latents, apart.Latents);
        AssertClose(together.Latents.slice(0, 1, 3, 1), edits.Latents);
        Assert.Equal(session.RecordedBytes, session.RequiredBytes);
    }

    [Fact]
    public void EditsOfARecordedSourceToo()
    {
        using var together = EditRun.Execute(model, Source, Edit, Observed);
        using var session = new EditSession(model, Source with { RowByRow = true }, ScalarType.Float32, long.MaxValue);
        using var source = session.RunSource(Observed);
        using var edits = session.Edit(Edit, Observed);

        AssertClose(together.Latents.slice(0, 0, 1, 1), source.Latents);
        AssertClose(together.Latents.slice(0, 1, 3, 1), edits.Latents);
    }

    [Fact]
    public void EditsOfAnImageWhoseWayIsKnownToo()
    {
        using var first = EditRun.Execute(model, Source, observation: Observed);
        using var way = first.AsSource(0);
        var source = GenerationRequest.Of(way);
        var edit = new EditRequest { Prompts = ["a blue house in a field"] };
        using var together = EditRun.Execute(model, source, edit);
        using var apart = EditRun.Execute(model, source with { RowByRow = true }, edit);

        AssertClose(together.Latents, apart.Latents);
    }

    [Fact]
    public void NothingIsLeftBehind()
    {
        var source = Source with { RowByRow = true };
        EditRun.Execute(model, source, Edit, Observed).Dispose();
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        EditRun.Execute(model, source, Edit, Observed).Dispose();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }
}
