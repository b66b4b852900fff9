using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;
using TorchSharp;

namespace PromptToPrompt.Editing.Tests.Sessions;

/// <summary>Rows that are computed one after another give what they give together.</summary>
public sealed class RowByRowTests
{
    private static readonly EditRequest Request = new()
    {
        Source = "a red house in a field",
        Targets = ["a red castle in a field", "a (red:2) house in a field"],
        Steps = 4,
        Guidance = 4,
        Seed = 3,
        Trace = true,
        WatchAttention = true,
        WatchSelfAttention = true,
        Blend = BlendWords.Parse("house:castle:house"),
        BlendStart = 0,
    };

    [Fact]
    public void EditsAndMapsAreThoseOfOneBatch()
    {
        using var model = EmbeddedModel.Load();
        using var together = EditRun.Execute(model, Request);
        using var apart = EditRun.Execute(model, Request with { RowByRow = true });

        AssertClose(together.Latents, apart.Latents);
        for (var prompt = 0; prompt <= Request.Targets.Count; prompt++)
            AssertClose(together.Maps!.Mean(prompt), apart.Maps!.Mean(prompt));
        var (pattern, other) = (together.SelfAttention!.Components(1)[0].Values, apart.SelfAttention!.Components(1)[0].Values);
        Assert.All(pattern.Zip(other), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
    }

    [Fact]
    public void WithoutGuidanceAsWell()
    {
        using var model = EmbeddedModel.Load();
        var plain = Request with { Guidance = 1, Blend = null, WatchAttention = false, WatchSelfAttention = false };
        using var together = EditRun.Execute(model, plain);
        using var apart = EditRun.Execute(model, plain with { RowByRow = true });

        AssertClose(together.Latents, apart.Latents);
    }

    [Fact]
    public void EditsOfARecordedSourceToo()
    {
        using var model = EmbeddedModel.Load();
        using var together = EditRun.Execute(model, Request);
        using var session = new EditSession(model, Request with { RowByRow = true, Blend = null });
        using var source = session.RunSource();
        using var edits = session.Edit(request => request with { Targets = Request.Targets, Blend = Request.Blend });

        AssertClose(together.Latents.slice(0, 0, 1, 1), source.Latents);
        AssertClose(together.Latents.slice(0, 1, 3, 1), edits.Latents);
    }

    [Fact]
    public void EditsOfAPictureWhoseWayIsKnownToo()
    {
        using var model = EmbeddedModel.Load();
        using var first = EditRun.Execute(model, Request with { Targets = [], Blend = null });
        using var way = first.AsSource(0);
        var edit = EditRequest.ForPicture(way) with { Targets = ["a blue house in a field"] };
        using var together = EditRun.Execute(model, edit);
        using var apart = EditRun.Execute(model, edit with { RowByRow = true });

        AssertClose(together.Latents, apart.Latents);
    }

    [Fact]
    public void NothingIsLeftBehind()
    {
        using var model = EmbeddedModel.Load();
        var run = Request with { RowByRow = true };
        EditRun.Execute(model, run).Dispose();
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        EditRun.Execute(model, run).Dispose();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }
}
