using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Pipelines;

/// <summary>Sessions: source pass and edit pass give what one batch gives.</summary>
public sealed class EditSessionTests(TinyModel small) : IClassFixture<TinyModel>
{
    private static readonly SamplingSettings Sampling = new() { Steps = 5, Guidance = 4, Seed = 3 };
    private static readonly GenerationRequest Source = new() { Prompt = "a red house in a field", Sampling = Sampling };
    private static readonly EditRequest Edit = new() { Prompts = ["a red castle in a field"] };
    private static readonly EditRequest Blended = Edit with { Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8, BlendStart = 0 };
    private static readonly Observation Traced = new() { Trace = true };
    private readonly StableDiffusionModel model = small.Model;

    [Fact]
    public void EditPassGivesTheSameImageAsOneBatch()
    {
        using var together = EditRun.Execute(model, Source, Edit);
        using var session = new EditSession(model, Source, ScalarType.Float32, long.MaxValue);
        using var source = session.RunSource();
        using var edit = session.Edit(Edit);

        AssertClose(together.Latents.slice(0, 0, 1, 1), source.Latents);
        AssertClose(together.Latents.slice(0, 1, 2, 1), edit.Latents);
        Assert.True(session.RecordedBytes > 0);
    }

    [Fact]
    public void EditPassBlendsWithTheRecordedSource()
    {
        using var together = EditRun.Execute(model, Source, Blended);
        using var session = new EditSession(model, Source, ScalarType.Float32, long.MaxValue);
        using var source = session.RunSource();
        using var edit = session.Edit(Blended);

        AssertClose(together.Latents.slice(0, 1, 2, 1), edit.Latents);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200_000)]
    public void WhatTheDeviceCannotHoldIsReadFromTheMachine(long onDevice)
    {
        using var together = EditRun.Execute(model, Source, Edit);
        using var recording = new SourceRecording(onDevice: onDevice);
        using var plan = new EditPlan(model, Source, Edit);
        using var source = EditRun.Pass(plan, [0], recording, progress: null, CancellationToken.None);
        using var edit = EditRun.Pass(plan, [1], recording, progress: null, CancellationToken.None);

        AssertClose(together.Latents.slice(0, 1, 2, 1), edit.Latents);
        Assert.InRange(recording.BytesOnHost, 1, recording.Bytes);
        // The latents always stay on the device.
        Assert.True(recording.Bytes - recording.BytesOnHost <= onDevice + recording.Latents.Sum(latents => latents.numel() * latents.element_size()));
    }

    [Fact]
    public void UnconditionalRowsNeedASourceThatHasOne()
    {
        var edit = Edit with { SelfUnconditional = true };
        using var session = new EditSession(model, Source, ScalarType.Float32, long.MaxValue);
        using var source = session.RunSource(Traced);
        Assert.Equal(nameof(EditRequest.SelfUnconditional), Assert.Throws<InvalidInputException>(() => session.Edit(edit).Dispose()).Setting);
        using var way = source.AsSource(0);
        Assert.Equal(nameof(EditRequest.SelfUnconditional), Assert.Throws<InvalidInputException>(() => EditRun.Execute(model, GenerationRequest.Of(way), edit).Dispose()).Setting);
    }

    [Fact]
    public void AnEditCanBeTheSourceOfFurtherOnes()
    {
        using var first = EditRun.Execute(model, Source, Edit, Traced);
        using var way = first.AsSource(1);
        using var further = EditRun.Execute(model, GenerationRequest.Of(way), new EditRequest { Prompts = ["a blue castle in a field"] });

        AssertClose(first.Latents.slice(0, 1, 2, 1), further.Latents.slice(0, 0, 1, 1));
        Assert.Equal("a red castle in a field", further.Prompts[0].Text);
        Assert.NotEqual(further.Images[0].Rgb, further.Images[1].Rgb);
    }

    [Fact]
    public void WhatTheSourceEmphasisesIsEmphasisedInEditsOfItsEdits()
    {
        var source = new GenerationRequest { Prompt = "a (white:1.3) house in a field", Sampling = Sampling with { Steps = 2 } };
        using var first = EditRun.Execute(model, source, new EditRequest { Prompts = ["a red house in a field"] }, Traced);
        using var way = first.AsSource(1);
        var edit = new EditRequest { Prompts = ["a red house in a field", "a blue house in a field"] };
        using var further = EditRun.Execute(model, GenerationRequest.Of(way), edit);

        Assert.Equal(first.Prompts[1].Emphasis, further.Prompts[0].Emphasis);
        Assert.Equal(1.3f, further.Prompts[2].Emphasis![further.Prompts[2].Words[1].Tokens[0]]);
        Assert.Equal("a red house in a field", further.Prompts[0].Text);
    }

    [Fact]
    public void CaptionsSayTheWeights()
    {
        var edit = new EditRequest { Prompts = ["a (red:1.5) house in a field", "a blue house in a field"], Weights = [new WordWeight("house", -2)] };
        using var result = EditRun.Execute(model, Source with { Sampling = Sampling with { Steps = 1 } }, edit);
        Assert.Equal(
            ["a red house in a field", "a red house in a field, red ×1.5, house ×-2", "a blue house in a field, house ×-2"],
            Enumerable.Range(0, 3).Select(result.Caption));
    }

    [Fact]
    public void OnlyDdimLeavesAWayThatCanBeFollowed()
    {
        var source = Source with { Sampling = Sampling with { Steps = 2, Scheduler = SchedulerKind.Euler } };
        using var result = EditRun.Execute(model, source, observation: Traced);
        Assert.Contains("ddim", Assert.Throws<InvalidInputException>(() => result.AsSource(0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PreviewsComeNearerToTheImage()
    {
        var previews = new Previews();
        using var trained = EmbeddedModel.Load();
        using var result = EditRun.Execute(trained, Source, progress: previews);

        var errors = previews.Seen.ConvertAll(preview => preview.Rgb.Zip(result.Images[0].Rgb, (a, b) => Math.Abs(a - b)).Average());
        Assert.Equal(Sampling.Steps, errors.Count);
        Assert.True(errors[^1] < errors[0] / 2, string.Join(", ", errors));
    }

    private sealed class Previews : IProgress<EditProgress>
    {
        public List<Diffusion.Images.Image> Seen { get; } = [];

        public void Report(EditProgress value) => Seen.Add(Assert.Single(value.Preview!()));
    }

    [Fact]
    public void TheLastMaskIsOfTheImageThatWasConfined()
    {
        using var confined = EditRun.Execute(model, Source, Blended, Traced);
        using var mask = confined.LastMask(1);
        Assert.NotNull(mask);
        Assert.InRange(mask.to(ScalarType.Float32).mean().ToDouble(), 1, 254);
        using var free = EditRun.Execute(model, Source, Edit, Traced);
        Assert.Null(free.LastMask(1));
    }

    [Fact]
    public void ObservingChangesNoImage()
    {
        using var observed = EditRun.Execute(model, Source, Edit, new Observation { Attention = true, SelfAttention = true, Trace = true });
        using var unobserved = EditRun.Execute(model, Source, Edit);

        AssertClose(observed.Latents, unobserved.Latents);
        Assert.Equal(observed.Maps!.Height * observed.Maps.Width, observed.SelfAttention!.Components(1)[0].Values.Count);
        Assert.Null(unobserved.SelfAttention);
    }

    [Fact]
    public void ATimestepThatIsEvaluatedTwiceIsOneStep()
    {
        using var result = EditRun.Execute(model, Source with { Sampling = Sampling with { Scheduler = SchedulerKind.Pndm } }, Edit);
        Assert.Equal([1, 2, 2, 3, 4, 5], Enumerable.Range(0, result.Timesteps.Count).Select(result.StepOf));
    }

    [Fact]
    public void WeightOfOneChangesNothing()
    {
        using var result = EditRun.Execute(model, Source, new EditRequest { Prompts = ["a red (house:1) in a field"] });

        AssertClose(result.Latents.slice(0, 0, 1, 1), result.Latents.slice(0, 1, 2, 1));
    }

    [Fact]
    public void LongPromptsEditAsShortOnesDo()
    {
        var tail = string.Concat(Enumerable.Repeat(" in the green sunny quiet field", 14));
        var request = new GenerationRequest { Prompt = "a red house" + tail, Sampling = Sampling with { Steps = 3, Chunks = 2 } };
        var edit = new EditRequest { Prompts = ["a red castle" + tail, "a red (house:1)" + tail], Blend = BlendWords.Parse("house,castle"), BlendThreshold = 0.8 };
        using var together = EditRun.Execute(model, request, edit);
        using var session = new EditSession(model, request, ScalarType.Float32, long.MaxValue);
        using var source = session.RunSource();
        using var alone = session.Edit(edit);

        Assert.All(together.Prompts, prompt => Assert.Equal((154, 0), (prompt.Ids.Count, prompt.Truncated.Count)));
        AssertClose(together.Latents.slice(0, 1, 3, 1), alone.Latents);
        AssertClose(together.Latents.slice(0, 0, 1, 1), together.Latents.slice(0, 2, 3, 1));
        using var cut = EditRun.Execute(model, request with { Sampling = request.Sampling with { Chunks = 1 } });
        Assert.True((cut.Latents - together.Latents.slice(0, 0, 1, 1)).abs().max().ToDouble() > 0.01);
        var error = Assert.Throws<InvalidInputException>(() => EditRun.Execute(model, request, edit with { Alignment = AlignmentKind.Refine }));
        Assert.Contains("auto", error.Message);
    }

    [Fact]
    public void WhatTheSourceEmphasisesItsEditsDoToo()
    {
        using var result = EditRun.Execute(model, Source with { Prompt = "a (red:1.5) house in a field" }, new EditRequest { Prompts = [Source.Prompt] });

        AssertClose(result.Latents.slice(0, 0, 1, 1), result.Latents.slice(0, 1, 2, 1));
        using var plain = EditRun.Execute(model, Source);
        Assert.True((result.Latents.slice(0, 0, 1, 1) - plain.Latents).abs().max().ToDouble() > 0.01);
    }

    [Fact]
    public void ASourceTooLargeToRecordRunsWithEachEdit()
    {
        using var recorded = new EditSession(model, Source, ScalarType.Float32, long.MaxValue);
        recorded.RunSource().Dispose();
        using var small = new EditSession(model, Source, ScalarType.Float32, recorded.RequiredBytes - 1);
        Assert.Equal((true, false), (recorded.IsRecorded, small.IsRecorded));

        using var source = small.RunSource();
        using var usual = recorded.Edit(Blended, Traced);
        using var edit = small.Edit(Blended, Traced);

        Assert.Equal(0, small.RecordedBytes);
        AssertClose(usual.Latents, edit.Latents);
        Assert.Equal(usual.Rows, edit.Rows);
        Assert.All([usual.Source!, source.Images[0]], picture => Assert.InRange(edit.Source!.Psnr(picture), 50, double.PositiveInfinity));
        using var usualMask = usual.LastMask(0);
        using var mask = edit.LastMask(0);
        AssertClose(usualMask!, mask!);
        using var trajectory = usual.AsSource(0);
        using var other = edit.AsSource(0);
        AssertClose(trajectory.SourceTrajectory, other.SourceTrajectory);
    }

    [Theory]
    [InlineData(SchedulerKind.Ddim, 1, 32, ScalarType.Float32)]
    [InlineData(SchedulerKind.Pndm, 1, 32, ScalarType.BFloat16)]
    [InlineData(SchedulerKind.Euler, 2, 64, ScalarType.Float32)]
    [InlineData(SchedulerKind.Ddim, 1, 8, ScalarType.Float32)]
    public void TheSizeOfARecordingIsKnownBefore(SchedulerKind scheduler, int chunks, int selfResolution, ScalarType type)
    {
        var source = Source with { Sampling = Sampling with { Steps = 2, Scheduler = scheduler, Chunks = chunks, Size = new(192, 96) } };
        using var session = new EditSession(model, source, type, long.MaxValue, selfResolution);
        session.RunSource().Dispose();
        Assert.Equal(session.RecordedBytes, session.RequiredBytes);
    }

    [Fact]
    public void CancelledRunStopsAndRunsLeaveNoTensorBehind()
    {
        using (EditRun.Execute(model, Source, Edit, Traced))
        {
        }

        // What earlier tests left to the collector would go away in between.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = LiveTensors;
        using (EditRun.Execute(model, Source, Edit, Traced))
        {
        }

        using var cancelled = new CancellationTokenSource();
        var progress = new Stopper(cancelled);
        Assert.Throws<OperationCanceledException>(() => EditRun.Execute(model, Source, Edit, Traced, progress, cancelled.Token).Dispose());
        Assert.Equal(before, LiveTensors);
        Assert.Equal(2, progress.Steps);
    }

    [Fact]
    public void APlanThatIsRefusedLeavesNoTensorBehind()
    {
        var wrong = Edit with { Mask = new Diffusion.Images.Image(64, 8, [.. Enumerable.Repeat(byte.MaxValue, 64 * 8 * 3)]) };
        Assert.Throws<InvalidInputException>(() => EditRun.Execute(model, Source, wrong).Dispose());
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = LiveTensors;
        Assert.Throws<InvalidInputException>(() => EditRun.Execute(model, Source, wrong).Dispose());
        Assert.Equal(before, LiveTensors);
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
