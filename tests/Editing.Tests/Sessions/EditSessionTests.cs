using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Sessions;

/// <summary>The embedded model's sessions: source pass and edit pass give what one batch gives.</summary>
public sealed class EditSessionTests
{
    private static readonly EditRequest Request = new()
    {
        Source = "a red house in a field",
        Targets = ["a red castle in a field"],
        Steps = 5,
        Guidance = 4,
        Seed = 3,
        Trace = true,
    };

    [Fact]
    public void EditPassGivesTheSamePictureAsOneBatch()
    {
        using var model = EmbeddedModel.Load();
        using var together = EditRun.Execute(model, Request);
        using var session = new EditSession(model, Request);
        using var source = session.RunSource();
        using var edit = session.Edit(r => r with { Targets = Request.Targets });

        AssertClose(together.Latents.slice(0, 0, 1, 1), source.Latents);
        AssertClose(together.Latents.slice(0, 1, 2, 1), edit.Latents);
        Assert.True(session.RecordedBytes > 0);
    }

    [Fact]
    public void EditPassBlendsWithTheRecordedSource()
    {
        using var model = EmbeddedModel.Load();
        EditRequest Blended(EditRequest r) => r with { Targets = Request.Targets, Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.5, BlendStart = 0 };
        using var together = EditRun.Execute(model, Blended(Request));
        using var session = new EditSession(model, Request);
        using var source = session.RunSource();
        using var edit = session.Edit(Blended);

        AssertClose(together.Latents.slice(0, 1, 2, 1), edit.Latents);
    }

    [Fact]
    public void AnEditCanBeTheSourceOfFurtherOnes()
    {
        using var model = EmbeddedModel.Load();
        using var first = EditRun.Execute(model, Request);
        using var way = first.AsSource(1);
        using var further = EditRun.Execute(model, EditRequest.ForPicture(way) with { Targets = ["a blue castle in a field"] });

        AssertClose(first.Latents.slice(0, 1, 2, 1), further.Latents.slice(0, 0, 1, 1));
        Assert.Equal("a red castle in a field", further.Prompts[0].Text);
        Assert.NotEqual(further.Pictures[0].Rgb, further.Pictures[1].Rgb);
    }

    [Fact]
    public void WhatTheSourceEmphasisesIsEmphasisedInEditsOfItsEdits()
    {
        using var model = EmbeddedModel.Load();
        using var first = EditRun.Execute(model, Request with { Source = "a (white:1.3) house in a field", Targets = ["a red house in a field"], Steps = 2 });
        using var way = first.AsSource(1);
        using var further = EditRun.Execute(model, EditRequest.ForPicture(way) with { Targets = ["a red house in a field", "a blue house in a field"] });

        Assert.Equal(first.Prompts[1].Emphasis, further.Prompts[0].Emphasis);
        Assert.Equal(1.3f, further.Prompts[2].Emphasis![further.Prompts[2].Words[1].Tokens[0]]);
        Assert.Equal("a red house in a field", further.Prompts[0].Text);
    }

    [Fact]
    public void CaptionsSayTheWeights()
    {
        using var model = EmbeddedModel.Load();
        using var result = EditRun.Execute(model, Request with
        {
            Steps = 1,
            Targets = ["a (red:1.5) house in a field", "a blue house in a field"],
            Edit = new EditSpecification { Weights = [new WordWeight("house", -2)] },
        });
        Assert.Equal(
            ["a red house in a field", "a red house in a field, red ×1.5, house ×-2", "a blue house in a field, house ×-2"],
            Enumerable.Range(0, 3).Select(result.Caption));
    }

    [Fact]
    public void OnlyDdimLeavesAWayThatCanBeFollowed()
    {
        using var model = EmbeddedModel.Load();
        using var result = EditRun.Execute(model, Request with { Targets = [], Steps = 2, Sampler = Diffusion.Schedulers.SamplerKind.Euler });
        Assert.Contains("ddim", Assert.Throws<InvalidInputException>(() => result.AsSource(0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PreviewsComeNearerToThePicture()
    {
        using var model = EmbeddedModel.Load();
        var previews = new Previews();
        using var result = EditRun.Execute(model, Request with { Targets = [], Trace = false }, previews);

        var errors = previews.Seen.ConvertAll(preview => preview.Rgb.Zip(result.Pictures[0].Rgb, (a, b) => Math.Abs(a - b)).Average());
        Assert.Equal(Request.Steps, errors.Count);
        Assert.True(errors[^1] < errors[0] / 2, string.Join(", ", errors));
    }

    private sealed class Previews : IProgress<EditProgress>
    {
        public List<Diffusion.Imaging.Picture> Seen { get; } = [];

        public void Report(EditProgress value) => Seen.Add(Assert.Single(value.Preview!()));
    }

    [Fact]
    public void TheLastMaskIsOfThePictureThatWasConfined()
    {
        using var model = EmbeddedModel.Load();
        using var confined = EditRun.Execute(model, Request with { Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.5, BlendStart = 0 });
        using var mask = confined.LastMask(1);
        Assert.NotNull(mask);
        Assert.InRange(mask.to(ScalarType.Float32).mean().ToDouble(), 1, 254);
        using var free = EditRun.Execute(model, Request);
        Assert.Null(free.LastMask(1));
    }

    [Fact]
    public void WatchingAttentionChangesNoPicture()
    {
        using var model = EmbeddedModel.Load();
        using var watched = EditRun.Execute(model, Request with { WatchAttention = true, WatchSelfAttention = true });
        using var unwatched = EditRun.Execute(model, Request with { Trace = false });

        AssertClose(watched.Latents, unwatched.Latents);
        Assert.Equal(watched.Maps!.Height * watched.Maps.Width, watched.SelfAttention!.Components(1)[0].Values.Count);
        Assert.Null(unwatched.SelfAttention);
    }

    [Fact]
    public void ATimestepThatIsEvaluatedTwiceIsOneStep()
    {
        using var model = EmbeddedModel.Load();
        using var result = EditRun.Execute(model, Request with { Sampler = SamplerKind.Pndm });
        Assert.Equal([1, 2, 2, 3, 4, 5], Enumerable.Range(0, result.Timesteps.Count).Select(result.StepOf));
    }

    [Fact]
    public void WeightOfOneChangesNothing()
    {
        using var model = EmbeddedModel.Load();
        using var result = EditRun.Execute(model, Request with { Targets = ["a red (house:1) in a field"], Edit = new EditSpecification() });

        AssertClose(result.Latents.slice(0, 0, 1, 1), result.Latents.slice(0, 1, 2, 1));
    }

    [Fact]
    public void LongPromptsEditAsShortOnesDo()
    {
        using var model = EmbeddedModel.Load();
        var tail = string.Concat(Enumerable.Repeat(" in the green sunny quiet field", 14));
        string[] targets = ["a red castle" + tail, "a red (house:1)" + tail];
        var request = Request with { Source = "a red house" + tail, Steps = 3, Blend = BlendWords.Parse("house,castle"), Windows = 2 };
        using var together = EditRun.Execute(model, request with { Targets = targets });
        using var session = new EditSession(model, request with { Blend = null });
        using var source = session.RunSource();
        using var edit = session.Edit(r => r with { Targets = targets, Blend = request.Blend });

        Assert.All(together.Prompts, prompt => Assert.Equal((154, 0), (prompt.Ids.Count, prompt.Truncated.Count)));
        AssertClose(together.Latents.slice(0, 1, 3, 1), edit.Latents);
        AssertClose(together.Latents.slice(0, 0, 1, 1), together.Latents.slice(0, 2, 3, 1));
        using var cut = EditRun.Execute(model, request with { Windows = 1 });
        Assert.True((cut.Latents - together.Latents.slice(0, 0, 1, 1)).abs().max().ToDouble() > 0.01);
        var error = Assert.Throws<InvalidInputException>(() => EditRun.Execute(
            model, request with { Targets = targets, Edit = new EditSpecification { Kind = AlignmentKind.Refine } }));
        Assert.Contains("--kind auto", error.Message);
    }

    [Fact]
    public void WhatTheSourceEmphasisesItsEditsDoToo()
    {
        using var model = EmbeddedModel.Load();
        using var result = EditRun.Execute(model, Request with { Source = "a (red:1.5) house in a field", Targets = ["a red house in a field"] });

        AssertClose(result.Latents.slice(0, 0, 1, 1), result.Latents.slice(0, 1, 2, 1));
        using var plain = EditRun.Execute(model, Request with { Targets = [] });
        Assert.True((result.Latents.slice(0, 0, 1, 1) - plain.Latents).abs().max().ToDouble() > 0.01);
    }

    [Fact]
    public void RecordingThatDoesNotFitIsRefusedInOneLine()
    {
        using var model = EmbeddedModel.Load();
        using var session = new EditSession(model, Request, maxBytes: 1 << 16);
        var error = Assert.Throws<InvalidInputException>(() => session.RunSource());
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void CancelledRunStopsAndRunsLeaveNoTensorBehind()
    {
        using var model = EmbeddedModel.Load();
        using (EditRun.Execute(model, Request))
        {
        }

        // What earlier tests left to the collector would go away in between.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = Tensor.TotalCount;
        using (EditRun.Execute(model, Request))
        {
        }

        using var cancelled = new CancellationTokenSource();
        var progress = new Stopper(cancelled);
        Assert.Throws<OperationCanceledException>(() => EditRun.Execute(model, Request, progress, cancelled.Token).Dispose());
        Assert.Equal(before, Tensor.TotalCount);
        Assert.Equal(2, progress.Steps);
    }

    private sealed class Stopper(CancellationTokenSource source) : IProgress<EditProgress>
    {
        public int Steps { get; private set; }

        public void Report(EditProgress value)
        {
            Steps++;
            if (value.Step == 2)
                source.Cancel();
        }
    }
}
