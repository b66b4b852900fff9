using System.Text.Json.Nodes;
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
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>TurboEdit against its equations.</summary>
public sealed class TurboEditTests(MethodFixture fixture) : IClassFixture<MethodFixture>
{
    private const ulong Seed = 5;

    private static readonly EditFriendlyInversion Unbounded = TurboEdit.Inversion with { NoiseLimit = null };
    private static readonly EditRequest Edit = new() { Prompts = [MethodFixture.Target], Method = new TurboEdit() };

    public static TheoryData<TimestepSpacing?, double, double?, double, double> Cases { get; } = new()
    {
        { null, 1, 0.4, 1.5, 0.2 },
        { null, 0.5, null, 3, 0 },
        { null, 2, 15.5, 0.5, 0.4 },

        // The paper's: 799, 599, 399 and 199 after a first step that is skipped, noised as at 599, 399, 199 and not at all.
        { TimestepSpacing.Trailing, 1, 15.5, 1.5, 0.2 },
    };

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void AnEditIsWhatItsEquationsSay(TimestepSpacing? spacing, double shift, double? limit, double guidance, double skip)
    {
        using var scope = NewDisposeScope();
        using var inverted = Invert(new EditFriendlyInversion { Skip = skip, NoiseShift = shift, NoiseLimit = limit }, spacing);
        var edit = Edit with { Method = new TurboEdit { PseudoGuidance = guidance } };
        var expected = Definition(MethodFixture.Target, spacing, shift, limit, guidance, (int)(skip * MethodFixture.Steps));
        var rows = new HashSet<int>();
        using var together = EditRun.Execute(fixture.Model, GenerationRequest.Of(inverted), edit, progress: new Each(step => rows.Add(step.Rows)));
        using var session = new EditSession(fixture.Model, GenerationRequest.Of(inverted), ScalarType.Float32, long.MaxValue);
        session.RunSource().Dispose();
        using var recorded = session.Edit(edit, progress: new Each(step => rows.Add(step.Rows)));

        AssertClose(expected, together.Latents.narrow(0, 1, 1));
        AssertClose(Picture, together.Latents.narrow(0, 0, 1), 1e-6, "the source");
        AssertClose(expected, recorded.Latents, what: "beside the recorded source");
        AssertClose(expected, fixture.Edit(GenerationRequest.Of(inverted) with { RowByRow = true }, edit), what: "row by row");
        Assert.Equal([2], rows);
        AssertDiffers(Definition(MethodFixture.Target, spacing, shift, limit, guidance: 1, (int)(skip * MethodFixture.Steps)), expected);
    }

    // With set_alpha_to_one, DDPM's last step adds no noise.
    [Fact]
    public void TheLastStepAddsItsNoiseEvenIfItsDeviationIsZero()
    {
        using var scope = NewDisposeScope();
        using var small = new TinyModel();
        var path = Path.Combine(small.Folder, "scheduler", "scheduler_config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        config["set_alpha_to_one"] = true;
        File.WriteAllText(path, config.ToJsonString());
        using var inverted = Invert(TurboEdit.Inversion, TimestepSpacing.Trailing, small.Model);
        using var scheduler = new DdimScheduler(inverted.Settings.Sampling.Configure(small.Model.SchedulerConfig), MethodFixture.Steps) { Eta = 1 };
        Assert.Equal(0, scheduler.Deviation(MethodFixture.Steps - 1));
        using var edited = EditRun.Execute(small.Model, GenerationRequest.Of(inverted), Edit);
        AssertClose(Definition(MethodFixture.Target, TimestepSpacing.Trailing, 1, 15.5, 1.5, 1, small.Model), edited.Latents.narrow(0, 1, 1));
    }

    [Fact]
    public void ThePapersStepsAndNoise()
    {
        using var scope = NewDisposeScope();
        using var inverted = Invert(TurboEdit.Inversion, TimestepSpacing.Trailing);
        using var scheduler = EditPlan.CreateScheduler(fixture.Model, GenerationRequest.Of(inverted));
        Assert.Equal([999, 799, 599, 399, 199], scheduler.Timesteps);
        Assert.Equal(1, inverted.Settings.FirstStep);
        var noise = Noise(MethodFixture.Steps);
        for (var step = 1; step < 4; step++)
            AssertClose(scheduler.AddNoise(Picture, noise[step], scheduler.Timesteps[step] - 200), inverted.SourceTrajectory.narrow(0, step, 1));
        AssertClose(Picture, inverted.SourceTrajectory.narrow(0, 4, 1), 1e-6);
    }

    [Fact]
    public void EqualPromptsReconstructThePicture()
    {
        using var scope = NewDisposeScope();
        using var inverted = Invert(Unbounded, TimestepSpacing.Trailing);
        var source = GenerationRequest.Of(inverted);
        AssertClose(Picture, fixture.Edit(source, Edit with { Prompts = [MethodFixture.Prompt] }));
        AssertClose(Picture, fixture.Edit(source, Edit with { Method = new TurboEdit { PseudoGuidance = 0 } }), what: "a target without weight");
        AssertDiffers(Picture, fixture.Edit(source, Edit));
    }

    [Fact]
    public void AWeightOfOneIsEditFriendlyEditingWithoutGuidance()
    {
        using var scope = NewDisposeScope();
        using var inverted = Invert(TurboEdit.Inversion);
        var source = GenerationRequest.Of(inverted);
        AssertClose(
            fixture.Edit(source with { Sampling = source.Sampling with { Guidance = 1 } }, MethodFixture.Free),
            fixture.Edit(source, Edit with { Method = new TurboEdit { PseudoGuidance = 1 } }));
    }

    [Fact]
    public void AnEditOfAnEditRepeatsItWithAWeightOfOne()
    {
        using var scope = NewDisposeScope();
        using var inverted = Invert(TurboEdit.Inversion);
        using var strong = EditRun.Execute(fixture.Model, GenerationRequest.Of(inverted), Edit, new Observation { Trace = true });
        using var edited = strong.AsSource(1);
        AssertClose(
            fixture.Edit(GenerationRequest.Of(inverted), Edit with { Method = new TurboEdit { PseudoGuidance = 1 } }),
            fixture.Edit(GenerationRequest.Of(edited), Edit));
    }

    [Fact]
    public void TheNoiseOfTheLastStepIsBounded()
    {
        using var scope = NewDisposeScope();
        using var free = Invert(Unbounded, TimestepSpacing.Trailing);
        using var bounded = Invert(Unbounded with { NoiseLimit = 0.5 }, TimestepSpacing.Trailing);
        using var loose = Invert(Unbounded with { NoiseLimit = 1e6 }, TimestepSpacing.Trailing);
        using var scheduler = new DdimScheduler(bounded.Settings.Sampling.Configure(fixture.Model.SchedulerConfig), MethodFixture.Steps) { Eta = 1 };
        var last = bounded.StepNoise![^1];
        Assert.Equal(0.5 * Math.Sqrt(last.numel() / 16384.0), scheduler.Deviation(MethodFixture.Steps - 1) * last.norm().item<float>(), 1e-4);
        Assert.True(free.StepNoise![..^1].Equals(bounded.StepNoise![..^1]));
        Assert.True(free.StepNoise!.Equals(loose.StepNoise!));
    }

    [Fact]
    public void PlainEditFriendlyTakesAShiftToo()
    {
        using var scope = NewDisposeScope();
        using var plain = Invert(new EditFriendlyInversion { Skip = 0 });
        using var shifted = Invert(new EditFriendlyInversion { Skip = 0, NoiseShift = 1 });
        AssertDiffers(fixture.Edit(GenerationRequest.Of(plain), MethodFixture.Free), fixture.Edit(GenerationRequest.Of(shifted), MethodFixture.Free));
        var unguided = GenerationRequest.Of(shifted);
        AssertClose(Picture, fixture.Edit(unguided with { Sampling = unguided.Sampling with { Guidance = 1 } }, MethodFixture.Free with { Prompts = [MethodFixture.Prompt] }));
    }

    [Fact]
    public void ALocalBlendConfinesIt()
    {
        using var scope = NewDisposeScope();
        using var inverted = Invert(TurboEdit.Inversion);
        var blended = Edit with { Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8, BlendStart = 0 };
        AssertDiffers(fixture.Edit(GenerationRequest.Of(inverted), Edit), fixture.Edit(GenerationRequest.Of(inverted), blended));
    }

    [Fact]
    public void ItStopsBeforeTheNextStep()
    {
        using var inverted = Invert(TurboEdit.Inversion);
        using var stop = new CancellationTokenSource();
        var steps = 0;
        Assert.Throws<OperationCanceledException>(() => EditRun.Execute(fixture.Model, GenerationRequest.Of(inverted), Edit, progress: new Each(Stop), cancellationToken: stop.Token));
        Assert.Equal(1, steps);

        void Stop(EditProgress progress)
        {
            steps = progress.Step;
            stop.Cancel();
        }
    }

    [Fact]
    public void WhatItCannotBeCombinedWithIsOneError()
    {
        AssertRefused("Method", () => new TurboEdit().Validate(new SamplingSettings(), null));
        foreach (var name in InversionMethod.Names.Where(name => name != "edit-friendly"))
            AssertRefused("Method", Check(InversionMethod.Named(name)));
        AssertRefused("Method", Check(new EditFriendlyInversion()));
        AssertRefused("Method", Check(TurboEdit.Inversion, guidance: 2));
        AssertRefused(nameof(SamplingSettings.Negative), Check(TurboEdit.Inversion, sampling => sampling with { Negative = "fog" }));
        AssertRefused(nameof(SamplingSettings.GuidanceRescale), Check(TurboEdit.Inversion, sampling => sampling with { GuidanceRescale = 0.5 }));
        AssertRefused(nameof(TurboEdit.PseudoGuidance), () => new TurboEdit { PseudoGuidance = -1 }.Validate());
        Check(TurboEdit.Inversion)();
        Check(new EditFriendlyInversion(), guidance: 1)();

        static void AssertRefused(string setting, Action check) => Assert.Equal(setting, Assert.Throws<InvalidInputException>(check).Setting);

        static Action Check(InversionMethod inversion, Func<SamplingSettings, SamplingSettings>? change = null, double? guidance = null) => () =>
            new TurboEdit().Validate((change ?? (same => same))(new SamplingSettings()), new() { Prompt = MethodFixture.Prompt, Method = inversion, InversionGuidance = guidance });
    }

    private Tensor Picture => fixture.Noise / 2;

    private InvertedImage Invert(InversionMethod method, TimestepSpacing? spacing = null, StableDiffusionModel? model = null)
    {
        using var scope = NewDisposeScope();
        return InversionMethod.Invert(
            model ?? fixture.Model, Picture,
            new() { Method = method, Prompt = MethodFixture.Prompt, Sampling = new() { Steps = MethodFixture.Steps, Guidance = MethodFixture.Guidance, TimestepSpacing = spacing, Seed = Seed } });
    }

    private Tensor Definition(string target, TimestepSpacing? spacing, double shift, double? limit, double guidance, int firstStep, StableDiffusionModel? other = null)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var (model, steps, stride) = (other ?? fixture.Model, MethodFixture.Steps, 1000 / MethodFixture.Steps);
        using var scheduler = new DdimScheduler(model.SchedulerConfig with { TimestepSpacing = spacing ?? model.SchedulerConfig.TimestepSpacing }, steps);
        Conditioning[] texts = [.. new[] { MethodFixture.Prompt, target }.Select(prompt => TextConditioning.Encode(model, [model.Tokenizer.Tokenize(prompt)]))];
        var noise = Noise(steps);
        List<Tensor> x = [.. scheduler.Timesteps.Select((t, i) => t - (shift * stride) is var at && at < 0 ? Picture : (Root(Kept((long)at)) * Picture) + (Root(1 - Kept((long)at)) * noise[i])), Picture];

        var edit = x[firstStep];
        for (var i = firstStep; i < steps; i++)
        {
            var t = scheduler.Timesteps[i];
            var n = x[i + 1] - Mean(x[i], t, texts[0]);
            var norm = n.norm().item<float>() / Math.Sqrt(n.numel() / 16384.0);
            var c = i == steps - 1 && limit < norm ? limit.Value / norm : 1;
            var (source, own) = (Mean(edit, t, texts[0]), Mean(edit, t, texts[1]));
            edit = source + (Number(guidance) * (own - source)) + (Number(c) * n);
        }

        return edit.MoveToOuterDisposeScope();

        // The mean of the DDPM step (Ho et al. 2020, equation 7) from timestep t to t − stride.
        Tensor Mean(Tensor latents, long t, Conditioning text)
        {
            var (from, to) = (Kept(t), t - stride < 0 ? (scheduler.Config.Ddim.SetAlphaToOne ?? true ? 1 : Kept(0)) : Kept(t - stride));
            var step = from / to;
            var clean = (latents - (Root(1 - from) * model.UNet.Forward(latents, tensor(new[] { t }), text))) / Root(from);
            return (Number(Math.Sqrt(to) * (1 - step) / (1 - from)) * clean) + (Number(Math.Sqrt(step) * (1 - to) / (1 - from)) * latents);
        }

        double Kept(long t) => scheduler.Noise.AlphasCumprod[(int)t];

        static Scalar Root(double variance) => Number(Math.Sqrt(variance));

        static Scalar Number(double value) => NativeScalar.Scalar(value);
    }

    private Tensor[] Noise(int steps)
    {
        using var generator = new Generator(Seed, CPU);
        return [.. Enumerable.Range(0, steps).Select(_ => randn(fixture.Noise.shape, generator: generator))];
    }

    private sealed class Each(Action<EditProgress> act) : IProgress<EditProgress>
    {
        public void Report(EditProgress value) => act(value);
    }
}
