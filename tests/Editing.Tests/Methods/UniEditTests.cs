using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>Uni-Edit against its equations.</summary>
public sealed class UniEditTests(MethodFixture fixture) : IClassFixture<MethodFixture>
{
    private static readonly UniEdit Method = new() { Strength = 3, EditDepth = 0.8 };
    private static readonly EditRequest Edit = new() { Prompts = [MethodFixture.Target], Method = Method };

    [Fact]
    public void AnEditIsWhatItsEquationsSay()
    {
        using var scope = NewDisposeScope();
        var expected = Definition(MethodFixture.Target, firstStep: 1, Method.Strength);
        var rows = new List<int>();
        using var together = EditRun.Execute(fixture.Model, GenerationRequest.Of(fixture.Inverted), Edit, progress: new Each(step => rows.Add(step.Rows)));
        using var session = new EditSession(fixture.Model, GenerationRequest.Of(fixture.Inverted), ScalarType.Float32, long.MaxValue);
        session.RunSource().Dispose();
        using var recorded = session.Edit(Edit, progress: new Each(step => rows.Add(step.Rows)));

        AssertClose(expected, together.Latents.narrow(0, 1, 1));
        AssertClose(fixture.Inverted.SourceTrajectory.narrow(0, MethodFixture.Steps, 1), together.Latents.narrow(0, 0, 1), 1e-6, "the source");
        AssertClose(expected, recorded.Latents, what: "beside the recorded source");
        // Nothing reads the source's attention, so its row is left out in both.
        Assert.Equal([2, 2, 2, 2, 2, 2, 2, 2], rows);
        AssertDiffers(Definition(MethodFixture.Target, firstStep: 1, strength: 0), expected);
        AssertDiffers(Definition(MethodFixture.Target, firstStep: 2, Method.Strength), expected);
    }

    [Fact]
    public void ASourceWhoseAttentionNothingReadsNeedNotRun()
    {
        var rows = new List<int>();
        using var run = new EditSession(fixture.Model, GenerationRequest.Of(fixture.Inverted), ScalarType.Float32, long.MaxValue);
        run.RunSource().Dispose();
        using var beside = run.Edit(Edit);
        using var session = new EditSession(fixture.Model, GenerationRequest.Of(fixture.Inverted), ScalarType.Float32, long.MaxValue);
        var blended = Edit with { Blend = BlendWords.Parse("house:castle") };
        Assert.Equal((false, true), (session.NeedsSource(Edit), session.NeedsSource(blended)));
        Assert.True(session.NeedsSource(Edit, new Observation { Trace = true }));
        Assert.Equal((false, true), (run.ReadsRecording(Edit), run.ReadsRecording(blended)));
        Assert.Throws<InvalidOperationException>(() => session.Edit(blended));
        using var alone = session.Edit(Edit, progress: new Each(step => rows.Add(step.Rows)));
        Assert.Equal([2, 2, 2, 2], rows);
        AssertClose(beside.Latents, alone.Latents, 0);
        Assert.Equal(beside.Images[0].Rgb, alone.Images[0].Rgb);
        Assert.Equal(beside.Source!.Rgb, alone.Source!.Rgb);

        // Noise has no known trajectory.
        using var drawn = new EditSession(fixture.Model, fixture.Drawn, ScalarType.Float32, long.MaxValue);
        Assert.True(drawn.NeedsSource(Edit));
    }

    [Fact]
    public void EqualPromptsFollowTheSourceWithoutGuidance()
    {
        using var scope = NewDisposeScope();
        var same = Edit with { Prompts = [MethodFixture.Prompt] };
        AssertClose(Definition(MethodFixture.Prompt, firstStep: 1, strength: 0), fixture.Edit(GenerationRequest.Of(fixture.Inverted), same));

        // An inversion without error, of an image made without guidance, ends at the image.
        var unguided = new SamplingSettings { Steps = MethodFixture.Steps, Guidance = 1, Scheduler = SchedulerKind.Ddim };
        using var drawn = EditRun.Execute(fixture.Model, fixture.Drawn with { Sampling = unguided }, observation: new Observation { Trace = true });
        using var exact = drawn.AsSource(0);
        AssertClose(drawn.Latents, fixture.Edit(GenerationRequest.Of(exact), same));
    }

    [Fact]
    public void MapsOfTheSourceAreCollectedBesideIt()
    {
        using var scope = NewDisposeScope();
        var rows = new List<int>();
        using var plain = EditRun.Execute(fixture.Model, GenerationRequest.Of(fixture.Inverted), Edit);
        using var observed = EditRun.Execute(
            fixture.Model, GenerationRequest.Of(fixture.Inverted), Edit, new() { Attention = true, SelfAttention = true }, new Each(step => rows.Add(step.Rows)));
        Assert.Equal([3, 3, 3, 3], rows);
        AssertClose(plain.Latents, observed.Latents);
        Assert.Equal(fixture.Model.Tokenizer.MaxLength, observed.Maps!.Mean(0).shape[^1]);
    }

    [Fact]
    public void ALocalBlendConfinesIt()
    {
        using var scope = NewDisposeScope();
        var blended = Edit with { Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8, BlendStart = 0 };
        var free = fixture.Edit(GenerationRequest.Of(fixture.Inverted), Edit);
        AssertDiffers(free, fixture.Edit(GenerationRequest.Of(fixture.Inverted), blended));
    }

    [Fact]
    public void WhatItCannotBeCombinedWithIsOneError()
    {
        AssertRefused("Method", Check(null));
        AssertRefused("Method", Check(new NullTextInversion()));
        AssertRefused("Method", Check(new BdiaInversion()));
        AssertRefused("Method", Check(new EditFriendlyInversion()));
        AssertRefused("Method", Check(new DdimInversion()));
        AssertRefused(nameof(SamplingSettings.Negative), Check(new DirectInversion(), sampling => sampling with { Negative = "fog" }));
        AssertRefused(nameof(SamplingSettings.GuidanceRescale), Check(new DirectInversion(), sampling => sampling with { GuidanceRescale = 0.5 }));
        AssertRefused(nameof(UniEdit.EditDepth), Check(new DirectInversion(), sampling => sampling with { Steps = 1 }));
        AssertRefused(nameof(UniEdit.EditDepth), Check(new UniInversion { Depth = 0.5 }));
        AssertRefused(nameof(UniEdit.Strength), () => new UniEdit { Strength = -1 }.Validate());
        AssertRefused(nameof(UniEdit.EditDepth), () => new UniEdit { EditDepth = 0 }.Validate());
        Check(new UniInversion())();
        Check(new UniInversion { Depth = 0.8 })();
        Check(new DirectInversion())();

        static void AssertRefused(string setting, Action check) => Assert.Equal(setting, Assert.Throws<InvalidInputException>(check).Setting);

        static Action Check(InversionMethod? inversion, Func<SamplingSettings, SamplingSettings>? change = null) => () =>
            Method.Validate((change ?? (same => same))(new SamplingSettings()), inversion is null ? null : new() { Prompt = MethodFixture.Prompt, Method = inversion });
    }

    private Tensor Definition(string target, int firstStep, double strength)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var model = fixture.Model;
        using var scheduler = new DdimScheduler(model.SchedulerConfig, MethodFixture.Steps);
        Conditioning[] texts = [.. new[] { MethodFixture.Prompt, target }.Select(prompt => TextConditioning.Encode(model, [model.Tokenizer.Tokenize(prompt)]))];
        var latents = fixture.Inverted.SourceTrajectory.narrow(0, firstStep, 1);
        for (var step = firstStep; step < MethodFixture.Steps; step++)
        {
            var timestep = tensor(new[] { scheduler.Timesteps[step] });
            var (source, edit) = (model.UNet.Forward(latents, timestep, texts[0]), model.UNet.Forward(latents, timestep, texts[1]));
            var guidance = edit - source;
            var mean = guidance.mean([1], keepdim: true);
            var mask = (mean - mean.min()) / (mean.max() - mean.min() + NativeScalar.Scalar(1e-7));
            latents = scheduler.Step((NativeScalar.Scalar(strength) * (1 + mask) * guidance) + (mask * edit) + ((1 - mask) * source), step, latents);
        }

        return latents.MoveToOuterDisposeScope();
    }

    private sealed class Each(Action<EditProgress> act) : IProgress<EditProgress>
    {
        public void Report(EditProgress value) => act(value);
    }
}
