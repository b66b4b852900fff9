using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>LEDITS++ against its equations.</summary>
public sealed class LeditsPlusPlusTests : IClassFixture<LeditsPlusPlusTests.Inversions>
{
    // Latents of 32×32 positions, and maps of 16×16.
    private const int Steps = 5, Side = 128, FirstStep = 1;
    private const string Prompt = "a red house in a field";

    private static readonly LeditsPlusPlus Method = new()
    {
        Concepts = [new("blue castle"), new("house", IsRemoved: true) { Scale = 3, WarmUp = 0.25, CoolDown = 0.75, MaskQuantile = 0.6 }],
        ConceptScale = 4,
        WarmUp = 0.5,
        MaskQuantile = 0.7,
    };

    private static readonly EditRequest Edit = new() { Prompts = [Prompt], Method = Method };

    private readonly Inversions images;

    public LeditsPlusPlusTests(Inversions images) => this.images = images;

    [Theory]
    [InlineData(0, true)]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(3.5, false)]
    public void AnEditIsWhatItsEquationsSay(double guidance, bool secondOrder)
    {
        using var scope = NewDisposeScope();
        var inverted = images.With(guidance, secondOrder);
        // The steps of each concept: of the four that are edited, the last two, and the second and third.
        (string, int, double, double, int[])[] concepts = [("blue castle", 1, 4, 0.7, [3, 4]), ("house", -1, 3, 0.6, [2, 3])];
        var expected = Definition(inverted, guidance, concepts);
        var rows = new List<int>();
        using var together = EditRun.Execute(images.Model, GenerationRequest.Of(inverted), Edit, progress: new Each(step => rows.Add(step.Rows)));
        using var apart = EditRun.Execute(images.Model, GenerationRequest.Of(inverted) with { RowByRow = true }, Edit);
        using var session = new EditSession(images.Model, GenerationRequest.Of(inverted), ScalarType.Float32, long.MaxValue);
        session.RunSource().Dispose();
        using var recorded = session.Edit(Edit, progress: new Each(step => rows.Add(step.Rows)));

        AssertClose(expected, together.Latents.narrow(0, 1, 1), 1e-4);
        AssertClose(expected, apart.Latents.narrow(0, 1, 1), 1e-4, "row by row");
        AssertClose(expected, recorded.Latents, 1e-4, "beside the recorded source");
        AssertClose(inverted.SourceTrajectory.narrow(0, Steps, 1), together.Latents.narrow(0, 0, 1), 1e-6, "the source");
        Assert.All(rows, each => Assert.Equal(guidance == 0 ? 3 : 4, each));
        Assert.Equal(2 * (Steps - FirstStep), rows.Count);
        if (guidance > 0 || secondOrder)
            return;
        AssertDiffers(Definition(inverted, guidance, [concepts[0]]), expected);
        AssertDiffers(Definition(inverted, guidance, [concepts[0], concepts[1] with { Item2 = 1 }]), expected);
        AssertDiffers(Definition(inverted, guidance, [concepts[0], concepts[1] with { Item4 = 0.7 }]), expected);
        AssertDiffers(Definition(inverted, guidance, [concepts[0], concepts[1] with { Item5 = [1, 2] }]), expected);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(3.5, false)]
    public void WithoutConceptsOrWithoutScaleItRetracesTheImage(double guidance, bool secondOrder)
    {
        using var scope = NewDisposeScope();
        var inverted = images.With(guidance, secondOrder);
        var image = inverted.SourceTrajectory.narrow(0, Steps, 1);
        AssertClose(image, Made(inverted, new() { Prompts = [Prompt], Method = new LeditsPlusPlus() }), 1e-4, "no concepts");
        AssertClose(image, Made(inverted, Edit with { Method = new LeditsPlusPlus { Concepts = [new("castle"), new("house", IsRemoved: true)], ConceptScale = 0 } }), 1e-4, "no scale");
        AssertClose(image, Made(inverted, Edit with { Method = new LeditsPlusPlus { Concepts = [new("castle")], WarmUp = 1 } }), 1e-4, "no steps");
        AssertDiffers(image, Made(inverted, Edit));
    }

    [Fact]
    public void EachConceptActsInItsMask()
    {
        using var scope = NewDisposeScope();
        var inverted = images.With(0);
        // One step alone, because later steps see the changes of earlier ones in all positions.
        const double Last = 0.75;
        EditConcept castle = new("castle") { WarmUp = Last, MaskQuantile = 0.9 }, house = new("house", IsRemoved: true) { WarmUp = Last, MaskQuantile = 0.9, Scale = 2 };
        Tensor With(params EditConcept[] concepts) => Made(inverted, Edit with { Method = new LeditsPlusPlus { Concepts = concepts } }) - inverted.SourceTrajectory.narrow(0, Steps, 1);
        var (ofCastle, ofHouse, both) = (With(castle), With(house), With(castle, house));

        // Differences of latents that are three hundred times as large.
        AssertClose(ofCastle + ofHouse, both, 1e-2);
        Assert.All([ofCastle, ofHouse], change => Assert.InRange(Share(change), 0.001, 0.101));
        Assert.True(Share(both) > Math.Max(Share(ofCastle), Share(ofHouse)));

        double Share(Tensor change) => change.abs().sum(1).gt(NativeScalar.Scalar(1e-4)).to(ScalarType.Float32).mean().item<float>();
    }

    [Fact]
    public void ThePromptsDifferByTheConcepts()
    {
        using var scope = NewDisposeScope();
        var inverted = images.With(0);
        var written = new LeditsPlusPlus { Concepts = [new("blue castle"), new("red house", IsRemoved: true)] };
        AssertClose(
            Made(inverted, Edit with { Method = written }), Made(inverted, Edit with { Prompts = ["a blue castle in a field"], Method = new LeditsPlusPlus() }), 1e-4);

        // Two edits of one run have their own.
        using var two = EditRun.Execute(
            images.Model, GenerationRequest.Of(inverted), new() { Prompts = [Prompt, "a blue castle in a field"], Method = new LeditsPlusPlus() });
        AssertClose(inverted.SourceTrajectory.narrow(0, Steps, 1), two.Latents.narrow(0, 1, 1), 1e-4, "the source prompt");
        AssertClose(Made(inverted, Edit with { Method = written }), two.Latents.narrow(0, 2, 1), 1e-4, "the other prompt");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALocalBlendConfinesItAndReadsTheTargetPrompt(bool rowByRow)
    {
        using var scope = NewDisposeScope();
        var source = GenerationRequest.Of(images.With(0)) with { RowByRow = rowByRow };
        var blended = Edit with { Prompts = ["a blue castle in a field"], Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8, BlendStart = 0 };
        var rows = new List<int>();
        using var together = EditRun.Execute(images.Model, source, blended, new Observation { Attention = true }, new Each(step => rows.Add(step.Rows)));
        using var session = new EditSession(images.Model, source, ScalarType.Float32, long.MaxValue);
        session.RunSource().Dispose();
        using var recorded = session.Edit(blended);
        AssertClose(together.Latents.narrow(0, 1, 1), recorded.Latents, 1e-4);
        AssertDiffers(Made(images.With(0), Edit), recorded.Latents);
        // The source, the empty prompt, the target prompt and two concepts.
        Assert.All(rows, each => Assert.Equal(5, each));
        using var map = together.Maps!.Mean(1);
        Assert.Equal([256L, 77L], map.shape);
    }

    [Fact]
    public void AResultHasTheAttentionThatIsAskedFor()
    {
        using var scope = NewDisposeScope();
        var source = GenerationRequest.Of(images.With(0));
        using var plain = EditRun.Execute(images.Model, source, Edit);
        using var observed = EditRun.Execute(images.Model, source, Edit, new Observation { Attention = true });
        Assert.Null(plain.Maps);
        // Those of the source and of the edit, not those of the concepts.
        Assert.Equal([true, true, false, false], new[] { 0, 1, 2, 3 }.Select(observed.Maps!.Has));
        AssertClose(plain.Latents, observed.Latents);

        var (rows, self) = (new List<int>(), new Observation { SelfAttention = true });
        using var together = EditRun.Execute(images.Model, source, Edit, self, new Each(step => rows.Add(step.Rows)));
        using var session = new EditSession(images.Model, source, ScalarType.Float32, long.MaxValue);
        session.RunSource().Dispose();
        using var recorded = session.Edit(Edit, self, new Each(step => rows.Add(step.Rows)));
        // The source or, beside its recording, the edit's prompt; then the empty prompt and two concepts.
        Assert.All(rows, each => Assert.Equal(4, each));
        AssertClose(plain.Latents.narrow(0, 1, 1), recorded.Latents);
        var (ofTogether, ofRecorded) = (together.SelfAttention!.Components(1)[0], recorded.SelfAttention!.Components(1)[0]);
        Assert.Equal(ofTogether.Share, ofRecorded.Share, 1e-3);
        AssertClose(tensor(ofTogether.Values.ToArray()), tensor(ofRecorded.Values.ToArray()), 1e-2);
    }

    [Fact]
    public void AMaskConfinesItAndATraceHasNoAttentionOfThePrompts()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var inverted = images.With(0);
        var mask = new Diffusion.Images.Image(Side, Side, [.. Enumerable.Range(0, Side * Side).SelectMany(pixel => Enumerable.Repeat((byte)(pixel % Side < Side / 2 ? 255 : 0), 3))]);
        using var result = EditRun.Execute(images.Model, GenerationRequest.Of(inverted), Edit with { Mask = mask, BlendStart = 0 }, new Observation { Trace = true });
        var change = result.Latents.narrow(0, 1, 1) - inverted.SourceTrajectory.narrow(0, Steps, 1);
        Assert.True(change.narrow(3, 0, 16).abs().max().item<float>() > 0.01);
        Assert.Equal(0, change.narrow(3, 16, 16).abs().max().item<float>(), 1e-6);
        result.SaveTrace(folder["trace.safetensors"]);

        // The noise of the steps retraces the image, not its edit.
        using var edit = result.AsSource(1);
        using var image = result.AsSource(0);
        Assert.Equal("Method", Assert.Throws<InvalidInputException>(() => Made(edit, Edit)).Setting);
        AssertClose(Made(inverted, Edit), Made(image, Edit), 1e-4);
        new InversionFile(edit, mask, images.Model.Frame(Diffusion.Images.FramingKind.Crop, mask.Size, mask.Size)).Save(folder["edit.safetensors"], images.Model);
        using var read = InversionFile.Load(folder["edit.safetensors"], images.Model);
        Assert.Equal("Method", Assert.Throws<InvalidInputException>(() => Made(read.Inverted, Edit)).Setting);

        // Its prediction would be compared with another text than the inversion's.
        using var other = EditRun.Execute(images.Model, GenerationRequest.Of(inverted) is var source ? source with { Sampling = source.Sampling with { Negative = "fog" } } : null!, new EditRequest(), new Observation { Trace = true });
        using var foggy = other.AsSource(0);
        Assert.Equal("Method", Assert.Throws<InvalidInputException>(() => Made(foggy, Edit)).Setting);
    }

    [Fact]
    public void AModelWithAddedConditioningIsEditedToo()
    {
        using var scope = NewDisposeScope();
        using var xl = new TinyXlModel();
        using var picture = InitialNoise.FromSeed(xl.Model, 3, Side, Side) / NativeScalar.Scalar(2);
        using var inverted = InversionMethod.Invert(
            xl.Model, picture, new() { Method = new EditFriendlyInversion { Skip = 0.2 }, Prompt = Prompt, Sampling = new() { Steps = Steps }, InversionGuidance = 2 });
        using var edited = EditRun.Execute(xl.Model, GenerationRequest.Of(inverted), Edit with { Prompts = [Prompt, Prompt] });
        using var same = EditRun.Execute(xl.Model, GenerationRequest.Of(inverted), Edit with { Method = new LeditsPlusPlus() });
        AssertClose(picture, same.Latents.narrow(0, 1, 1), 1e-4);
        AssertDiffers(picture, edited.Latents.narrow(0, 1, 1));
        AssertClose(edited.Latents.narrow(0, 1, 1), edited.Latents.narrow(0, 2, 1), 1e-4);
    }

    [Fact]
    public void ItStopsBetweenSteps()
    {
        using var stop = new CancellationTokenSource();
        var steps = 0;
        Assert.Throws<OperationCanceledException>(() => EditRun.Execute(
            images.Model, GenerationRequest.Of(images.With(0)), Edit, progress: new Each(_ => { steps++; stop.Cancel(); }), cancellationToken: stop.Token));
        Assert.Equal(1, steps);
    }

    [Fact]
    public void WhatItCannotBeCombinedWithIsOneError()
    {
        AssertRefused("Method", Check(null));
        AssertRefused("Method", Check(new NullTextInversion()));
        AssertRefused("Method", Check(new DirectInversion()));
        AssertRefused(nameof(SamplingSettings.Negative), Check(new EditFriendlyInversion(), sampling => sampling with { Negative = "fog" }));
        AssertRefused(nameof(SamplingSettings.GuidanceRescale), Check(new EditFriendlyInversion(), sampling => sampling with { GuidanceRescale = 0.5 }));
        AssertRefused(nameof(LeditsPlusPlus.ConceptScale), () => new LeditsPlusPlus { ConceptScale = -1 }.Validate());
        AssertRefused(nameof(LeditsPlusPlus.WarmUp), () => new LeditsPlusPlus { WarmUp = 1.5 }.Validate());
        AssertRefused(nameof(LeditsPlusPlus.MaskQuantile), () => new LeditsPlusPlus { MaskQuantile = 2 }.Validate());
        AssertRefused(nameof(LeditsPlusPlus.Concepts), () => new LeditsPlusPlus { Concepts = [new(" ")] }.Validate());
        AssertRefused(nameof(LeditsPlusPlus.Concepts), () => new LeditsPlusPlus { Concepts = [new("hat") { Scale = -2 }] }.Validate());
        Check(new EditFriendlyInversion())();

        static void AssertRefused(string setting, Action check) => Assert.Equal(setting, Assert.Throws<InvalidInputException>(check).Setting);

        static Action Check(InversionMethod? inversion, Func<SamplingSettings, SamplingSettings>? change = null) => () =>
            Method.Validate((change ?? (same => same))(new SamplingSettings()), inversion is null ? null : new() { Prompt = Prompt, Method = inversion });
    }

    private Tensor Made(InvertedImage inverted, EditRequest edit)
    {
        using var result = EditRun.Execute(images.Model, GenerationRequest.Of(inverted), edit);
        return result.Latents.narrow(0, 1, 1).clone();
    }

    // Row by row, with every map in memory, quantiles by sorting and the blur as a sum over its nine weights.
    private Tensor Definition(InvertedImage inverted, double guidance, IReadOnlyList<(string Text, int Sign, double Scale, double Quantile, int[] Steps)> concepts)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var model = images.Model;
        using var scheduler = new DdimScheduler(model.SchedulerConfig, Steps);
        var secondOrder = ((EditFriendlyInversion)inverted.Settings.Method).SecondOrder;
        (Tensor Clean, double H)? earlier = null;
        var empty = TextConditioning.EncodeNegative(model, "");
        var source = TextConditioning.Encode(model, [model.Tokenizer.Tokenize(Prompt)]);
        var latents = inverted.SourceTrajectory.narrow(0, FirstStep, 1);
        for (var step = FirstStep; step < Steps; step++)
        {
            var free = Predict(empty).Output;
            var prediction = free + (NativeScalar.Scalar(guidance) * (Predict(source).Output - free));
            foreach (var concept in concepts.Where(concept => concept.Steps.Contains(step)))
            {
                var tokens = model.Tokenizer.Tokenize(concept.Text);
                var (output, maps) = Predict(TextConditioning.Encode(model, [tokens]));
                var psi = (output - free) * NativeScalar.Scalar(concept.Sign);
                // Start and end are no words.
                var attention = maps.Aggregate((first, second) => first + second).narrow(1, 1, tokens.Length - 2).sum(1).view(16, 16) / NativeScalar.Scalar(maps.Count);
                var ofAttention = AtLeast(Blurred(attention), concept.Quantile).repeat_interleave(2, 0).repeat_interleave(2, 1);
                var ofGuidance = AtLeast(psi.abs().sum(1).squeeze(0), concept.Quantile);
                prediction += NativeScalar.Scalar(concept.Scale) * ofAttention * ofGuidance * psi;
            }

            // The step of the solver from its exponential form, with the levels of the training schedule.
            var (alpha, sigma) = Level(scheduler.Timesteps[step]);
            var (nextAlpha, nextSigma) = Level(Math.Max(0, scheduler.Timesteps[step] - (1000 / Steps)));
            var clean = (latents - (NativeScalar.Scalar(sigma) * prediction)) / NativeScalar.Scalar(alpha);
            var h = Math.Log(nextAlpha / nextSigma) - Math.Log(alpha / sigma);
            var gain = nextAlpha * (1 - Math.Exp(-2 * h));
            var mean = (NativeScalar.Scalar(nextSigma / sigma * Math.Exp(-h)) * latents) + (NativeScalar.Scalar(gain) * clean);
            // The first and the last step are of first order.
            if (secondOrder && step < Steps - 1 && earlier is { } before)
                mean += NativeScalar.Scalar(0.5 * gain * h / before.H) * (clean - before.Clean);
            earlier = (clean, h);
            latents = mean + (inverted.StepNoise!.narrow(0, step, 1) * NativeScalar.Scalar(nextSigma * Math.Sqrt(1 - Math.Exp(-2 * h))));

            (Tensor Output, List<Tensor> Maps) Predict(Conditioning text)
            {
                var attention = new Explicit();
                var timestep = scheduler.Timesteps[step];
                return (model.UNet.Forward(latents, tensor(new[] { timestep }), text, attention, new DenoisingStep(step, timestep, [new(0, true)])), attention.Maps);
            }
        }

        return latents.MoveToOuterDisposeScope();

        (double, double) Level(long timestep) => (scheduler.Noise.Level(timestep).Alpha, scheduler.Noise.Level(timestep).Sigma);
    }

    private static Tensor AtLeast(Tensor map, double quantile)
    {
        var sorted = map.flatten().data<float>().ToArray().Order().ToArray();
        var place = quantile * (sorted.Length - 1);
        var below = (int)place;
        var threshold = sorted[below] + ((place - below) * (sorted[Math.Min(below + 1, sorted.Length - 1)] - sorted[below]));
        return map.ge(NativeScalar.Scalar((float)threshold)).to(ScalarType.Float32);
    }

    private static Tensor Blurred(Tensor map)
    {
        var values = map.contiguous().data<float>().ToArray();
        // Published: exp(−((x − mean)/(2·std))²), std = 0.5.
        double[] kernel = [Math.Exp(-1), 1, Math.Exp(-1)];
        var sum = kernel.Sum();
        var result = new float[values.Length];
        for (var y = 0; y < 16; y++)
            for (var x = 0; x < 16; x++)
                for (var dy = -1; dy <= 1; dy++)
                    for (var dx = -1; dx <= 1; dx++)
                        result[(y * 16) + x] += (float)(kernel[dy + 1] * kernel[dx + 1] / (sum * sum) * values[(Mirrored(y + dy) * 16) + Mirrored(x + dx)]);
        return tensor(result).view(16, 16);

        static int Mirrored(int place) => place < 0 ? -place : place > 15 ? 30 - place : place;
    }

    /// <summary>One picture, inverted with several guidances.</summary>
    public sealed class Inversions : IDisposable
    {
        private readonly TinyModel small = new();
        private readonly Dictionary<(double, bool), InvertedImage> inverted = [];

        public StableDiffusionModel Model => small.Model;

        internal InvertedImage With(double guidance, bool secondOrder = false)
        {
            if (inverted.TryGetValue((guidance, secondOrder), out var found))
                return found;
            using var picture = InitialNoise.FromSeed(Model, 3, Side, Side) / NativeScalar.Scalar(2);
            var settings = new InversionSettings { Method = new EditFriendlyInversion { Skip = 0.2, SecondOrder = secondOrder }, Prompt = Prompt, Sampling = new() { Steps = Steps }, InversionGuidance = guidance };
            return inverted[(guidance, secondOrder)] = InversionMethod.Invert(Model, picture, settings);
        }

        public void Dispose()
        {
            foreach (var each in inverted.Values)
                each.Dispose();
            small.Dispose();
        }
    }

    // Attention with its map in memory.
    private sealed class Explicit : AttentionProcessor
    {
        public List<Tensor> Maps { get; } = [];

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            var map = PlainMethod.Map(query, key);
            if (call.Site.Kind == AttentionKind.Cross && (call.Height, call.Width) == (16, 16))
                Maps.Add(map.mean([0, 1]).DetachFromDisposeScope());
            return matmul(map, value);
        }
    }

    private sealed class Each(Action<EditProgress> act) : IProgress<EditProgress>
    {
        public void Report(EditProgress value) => act(value);
    }
}
