using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>InfEdit's unified attention control against its definition with three branches and every map.</summary>
public sealed class InfEditTests(MethodFixture fixture) : IClassFixture<MethodFixture>, IDisposable
{
    private const int Steps = 5;
    private const double Guidance = 2.3;
    private const ulong Seed = 5;
    private const string Longer = "a big red house in a field";

    // Three steps of both, with 5 steps; then self-attention for one step and cross-attention for four, so that the layout branch steers three of them.
    private static readonly InfEdit Usual = new();
    private static readonly InfEdit Layout = new() { CrossPart = 0.8, SelfPart = 0.2 };

    private readonly DisposeScope scope = NewDisposeScope();

    [Theory]
    [InlineData(0.7, 0.7, MethodFixture.Target)]
    [InlineData(0.7, 0.7, Longer)]
    [InlineData(0.4, 1.0, MethodFixture.Target)]
    [InlineData(0.8, 0.2, MethodFixture.Target)]
    [InlineData(1.0, 0.0, Longer)]
    [InlineData(0.8, 0.2, MethodFixture.Target, 1.0)]
    [InlineData(0.8, 0.2, MethodFixture.Target, 2.3, 1.5)]
    public void AnEditIsWhatItsDefinitionSays(double cross, double self, string target, double guidance = Guidance, double ofSource = 1)
    {
        using var inverted = Invert(guidance, ofSource);
        var method = new InfEdit { CrossPart = cross, SelfPart = self };
        var expected = Definition(target, method, guidance, ofSource);
        using var result = EditRun.Execute(fixture.Model, GenerationRequest.Of(inverted), Edit(method, target));

        AssertClose(expected, result.Latents.narrow(0, 1, 1));
        AssertClose(Image, result.Latents.narrow(0, 0, 1), 1e-6, "the source");
        Assert.Equal([2, 2], [result.Latents.shape[0], result.Images.Count]);
    }

    [Fact]
    public void TheLayoutBranchSteersOnlyWhatFollowsSelfAttention()
    {
        using var inverted = Invert();
        var layout = Definition(MethodFixture.Target, Layout, Guidance);
        AssertDiffers(layout, Definition(MethodFixture.Target, Layout with { SelfPart = 0.8 }, Guidance));
        AssertDiffers(layout, Definition(MethodFixture.Target, Layout with { CrossPart = 0.2 }, Guidance));
        Assert.Equal([false, false, false, true, true], new[] { Usual, new InfEdit { CrossPart = 0 }, Usual with { SelfPart = 1 }, Layout, Usual with { CrossPart = 1 } }.Select(method => method.HasCompanions(Steps)));
        // Of 3 steps, both parts are two.
        Assert.False(new InfEdit { CrossPart = 0.7, SelfPart = 0.67 }.HasCompanions(3));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SeveralEditsOfARecordedSource(bool hasLayout)
    {
        var method = hasLayout ? Layout : Usual;
        using var inverted = Invert();
        using var session = new EditSession(fixture.Model, GenerationRequest.Of(inverted), ScalarType.Float32, long.MaxValue);
        var rows = new List<int>();
        using var first = session.Edit(Edit(method, Longer, MethodFixture.Target), progress: new Each(step => rows.Add(step.Rows)));
        using var second = session.Edit(Edit(method with { }, MethodFixture.Target), progress: new Each(step => rows.Add(step.Rows)));

        var (expected, longer) = (Definition(MethodFixture.Target, method, Guidance), Definition(Longer, method, Guidance));
        AssertClose(cat([longer, expected], 0), first.Latents, what: "two edits with the source in their batch");
        AssertClose(expected, second.Latents, what: "an edit with the recorded source");
        // In the last step nothing reads the layout branch.
        Assert.Equal([.. Enumerable.Repeat(hasLayout ? 10 : 6, Steps - 1), 6, .. Enumerable.Repeat(hasLayout ? 4 : 2, Steps - 1), 2], rows);
        Assert.Single(second.Images);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ASourceThatDoesNotFitInMemoryRunsWithEachEdit(bool hasLayout)
    {
        var method = hasLayout ? Layout : Usual;
        using var inverted = Invert();
        using var session = new EditSession(fixture.Model, GenerationRequest.Of(inverted), ScalarType.Float32, maxBytes: 50_000);
        using var first = session.Edit(Edit(method, MethodFixture.Target));
        using var second = session.Edit(Edit(method, MethodFixture.Target));
        AssertClose(Definition(MethodFixture.Target, method, Guidance), first.Latents);
        AssertClose(first.Latents, second.Latents);
        Assert.Equal(0, session.RecordedBytes);
    }

    [Fact]
    public void ImagesAreTheSameWithoutABranchThatNothingReads()
    {
        using var text = TextConditioning.Encode(fixture.Model, [.. new[] { MethodFixture.Prompt, MethodFixture.Target, MethodFixture.Prompt }.Select(prompt => fixture.Model.Tokenizer.Tokenize(prompt))]);
        using var empty = TextConditioning.EncodeNegative(fixture.Model, "");
        var (always, rows) = Denoise(Steps);
        var (early, fewer) = Denoise(2);
        // Batches of six and of four rows may be rounded differently.
        AssertClose(always, early);
        Assert.Equal((Steps * 6, (2 * 6) + ((Steps - 2) * 4)), (rows, fewer));

        (Tensor Latents, int Rows) Denoise(int companionSteps)
        {
            using var ddim = new DdimScheduler(fixture.Model.SchedulerConfig, Steps);
            var counter = new RowCounter();
            var request = new DenoisingRequest
            {
                Latents = fixture.Noise.expand(3, -1, -1, -1),
                Prompts = [0, 1, 2],
                Conditional = text,
                Unconditional = empty,
                Companions = 1,
                CompanionSteps = companionSteps,
                Sampling = new() { Steps = Steps, Guidance = Guidance },
                Attention = counter,
            };
            Tensor? last = null;
            foreach (var state in DenoisingLoop.Run(fixture.Model.Denoiser, ddim, request))
            {
                last?.Dispose();
                last = state.Latents.clone();
            }

            return (last!, counter.Rows);
        }
    }

    [Fact]
    public void TheSourcesPromptGivesTheImageBack()
    {
        using var inverted = Invert(guidance: 1);
        AssertClose(Image, fixture.Edit(GenerationRequest.Of(inverted), Edit(Usual, MethodFixture.Prompt)), 1e-3);
        AssertClose(Image, fixture.Edit(GenerationRequest.Of(inverted), Edit(Layout, MethodFixture.Prompt)), 1e-3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALocalBlendAndMapsWorkAsInOtherEdits(bool hasLayout)
    {
        var method = hasLayout ? Layout : Usual;
        using var inverted = Invert();
        var source = GenerationRequest.Of(inverted);
        var edit = Edit(method, MethodFixture.Target) with { Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8, BlendStart = 0 };
        using var together = EditRun.Execute(fixture.Model, source, edit, new Observation { Attention = true, Trace = true });
        using var session = new EditSession(fixture.Model, source, ScalarType.Float32, long.MaxValue);
        using var first = session.Edit(edit);
        using var second = session.Edit(edit);

        AssertDiffers(fixture.Edit(source, Edit(method, MethodFixture.Target)), first.Latents);
        AssertClose(together.Latents.narrow(0, 1, 1), first.Latents);
        AssertClose(first.Latents, second.Latents);
        AssertClose(together.Maps!.Mean(0), second.Maps!.Mean(0));
        AssertClose(together.Maps!.Mean(1), second.Maps!.Mean(1));
        // A word that both prompts share has the map of the branch that steers it, at a step in which that is the source.
        AssertClose(together.Maps.At(0, 0).select(1, 1), together.Maps.At(1, 0).select(1, 1), 1e-6);
    }

    [Fact]
    public void RowsMayBeComputedOneAfterAnotherUnlessTheLayoutBranchSteers()
    {
        using var inverted = Invert();
        var source = GenerationRequest.Of(inverted) with { RowByRow = true };
        var expected = Definition(MethodFixture.Target, Usual, Guidance);
        var edit = Edit(Usual, MethodFixture.Target);
        using var session = new EditSession(fixture.Model, source, ScalarType.Float32, long.MaxValue);
        using var first = session.Edit(edit);
        using var second = session.Edit(edit with { Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8, BlendStart = 0 });
        AssertClose(expected, fixture.Edit(source, edit));
        AssertClose(expected, first.Latents);
        AssertClose(fixture.Edit(source with { RowByRow = false }, edit with { Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8, BlendStart = 0 }), second.Latents);

        var error = Assert.Throws<InvalidInputException>(() => EditRun.Execute(fixture.Model, source, Edit(Layout, MethodFixture.Target)));
        Assert.Equal(nameof(InfEdit.CrossPart), error.Setting);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AModelThatTakesGuidanceHasOneRowABranch(bool hasLayout)
    {
        using var distilled = TinyModel.Distilled();
        using var inverted = InversionMethod.Invert(distilled.Model, Image, new() { Method = new VirtualInversion(), Prompt = MethodFixture.Prompt, Sampling = new() { Steps = Steps, Guidance = Guidance, Seed = Seed } });
        var source = GenerationRequest.Of(inverted);
        using var session = new EditSession(distilled.Model, source, ScalarType.Float32, long.MaxValue);
        var rows = new List<int>();
        var edit = Edit(hasLayout ? Layout : Usual, MethodFixture.Target);
        using var first = session.Edit(edit, progress: new Each(step => rows.Add(step.Rows)));
        using var second = session.Edit(edit, progress: new Each(step => rows.Add(step.Rows)));
        using var other = EditRun.Execute(distilled.Model, source with { Sampling = source.Sampling with { Guidance = 1 } }, edit);
        using var same = EditRun.Execute(distilled.Model, source with { Sampling = source.Sampling with { Guidance = 1 } }, edit with { Prompts = [MethodFixture.Prompt] });

        AssertClose(first.Latents, second.Latents);
        AssertDiffers(other.Latents.narrow(0, 1, 1), first.Latents);
        AssertClose(Image, same.Latents.narrow(0, 1, 1), 1e-3);
        Assert.Equal([.. Enumerable.Repeat(hasLayout ? 3 : 2, Steps - 1), 2, .. Enumerable.Repeat(hasLayout ? 2 : 1, Steps - 1), 1], rows);
    }

    [Fact]
    public void ItStopsBeforeTheNextStepAndItsPreviewsShowNoBranch()
    {
        using var inverted = Invert();
        using var stop = new CancellationTokenSource();
        var (steps, previews) = (0, 0);
        Assert.Throws<OperationCanceledException>(() => EditRun.Execute(
            fixture.Model, GenerationRequest.Of(inverted), Edit(Layout, MethodFixture.Target), progress: new Each(step =>
            {
                steps++;
                previews += step.Preview!().Count;
                stop.Cancel();
            }),
            cancellationToken: stop.Token));
        Assert.Equal((1, 1), (steps, previews));
    }

    [Theory]
    [InlineData(1, AlignmentKind.Refine)]
    [InlineData(2, AlignmentKind.Auto)]
    public void SharedTokensAreThoseOfTheRefinementUnlessPromptsAreLong(int chunks, AlignmentKind expected)
    {
        var source = new GenerationRequest { Prompt = MethodFixture.Prompt, Sampling = new() { Chunks = chunks } };
        var words = new EditWords(fixture.Model.Tokenizer, source, Edit(Usual, MethodFixture.Target), By(new VirtualInversion()));
        Assert.Equal(expected, Assert.Single(words.Alignments).Kind);
    }

    [Fact]
    public void WhatItCannotBeCombinedWithIsOneError()
    {
        AssertRefused("Method", () => Usual.Validate(new SamplingSettings(), null));
        Assert.All(InversionMethod.Names.Except([Usual.UsualInversion]), name => AssertRefused("Method", () => Usual.Validate(new SamplingSettings(), By(InversionMethod.Named(name)))));
        AssertRefused(nameof(InfEdit.CrossPart), () => new InfEdit { CrossPart = 1.1 }.Validate());
        AssertRefused(nameof(InfEdit.SelfPart), () => new InfEdit { SelfPart = -0.1 }.Validate());
        Usual.Validate(new SamplingSettings(), By(new VirtualInversion()));

        static void AssertRefused(string setting, Action check) => Assert.Equal(setting, Assert.Throws<InvalidInputException>(check).Setting);
    }

    public void Dispose() => scope.Dispose();

    private Tensor Image => fixture.Noise / 2;

    private static EditRequest Edit(EditMethod method, params string[] prompts) => new() { Prompts = prompts, Method = method };

    private InvertedImage Invert(double guidance = Guidance, double ofSource = 1) => InversionMethod.Invert(fixture.Model, Image, new()
    {
        Method = new VirtualInversion(),
        Prompt = MethodFixture.Prompt,
        InversionGuidance = ofSource,
        Sampling = new() { Steps = Steps, Guidance = guidance, Seed = Seed },
    });

    // The paper's algorithm 3: three branches side by side, both halves, all predictions as noise.
    private Tensor Definition(string target, InfEdit method, double guidance, double ofSource = 1)
    {
        using var _ = no_grad();
        using var inner = NewDisposeScope();
        var model = fixture.Model;
        using var ddim = new DdimScheduler(model.SchedulerConfig, Steps);
        using var generator = new Generator(Seed, CPU);
        var image = Image;
        var prompts = new[] { MethodFixture.Prompt, target, MethodFixture.Prompt }.Select(prompt => model.Tokenizer.Tokenize(prompt)).ToList();
        var text = cat([TextConditioning.EncodeNegative(model, "").Text.expand(3, -1, -1), TextConditioning.Encode(model, prompts).Text], 0);
        BatchRow[] rows = [new(0, false), new(1, false), new(2, false), new(0, true), new(1, true), new(2, true)];
        var attention = new ThreeBranches(method, Counterparts(prompts[0].Ids, prompts[0].Length, prompts[1].Ids, prompts[1].Length));
        var noise = randn(image.shape, generator: generator);
        var (source, edit, layout) = (noise, noise, noise);
        for (var i = 0; i < Steps; i++)
        {
            var latents = cat([source, edit, layout], 0);
            var output = model.UNet.Forward(cat([latents, latents], 0), tensor(new[] { ddim.Timesteps[i] }), new Conditioning(text), attention, new DenoisingStep(i, ddim.Timesteps[i], rows));
            var (ofS, ofE, ofL) = (Guided(0, ofSource), Guided(1, guidance), Guided(2, ofSource));
            var a = AlphaCumprod(i);
            var (cleanEdit, cleanLayout) = (Clean(edit, ofE), Clean(layout, ofL));
            if (i == Steps - 1)
                return cleanEdit.MoveToOuterDisposeScope();
            var next = AlphaCumprod(i + 1);
            noise = randn(image.shape, generator: generator);
            (source, edit, layout) = (At(image), At(cleanEdit), At(cleanLayout));

            Tensor Guided(int branch, double scale) => output[branch..(branch + 1)] + ((output[(branch + 3)..(branch + 4)] - output[branch..(branch + 1)]) * scale);

            Tensor Clean(Tensor x, Tensor prediction) => image + (((x - source) - ((prediction - ofS) * Math.Sqrt(1 - a))) / Math.Sqrt(a));

            Tensor At(Tensor clean) => (clean * Math.Sqrt(next)) + (noise * Math.Sqrt(1 - next));
        }

        throw new InvalidOperationException();

        double AlphaCumprod(int step) => Math.Pow(ddim.Noise.Level(ddim.Timesteps[step]).Alpha, 2);
    }

    // The prompts of these tests share their first and their last tokens; padding corresponds by position.
    private static int?[] Counterparts(IReadOnlyList<int> source, int sourceLength, IReadOnlyList<int> target, int targetLength)
    {
        var first = source.Zip(target).TakeWhile(pair => pair.First == pair.Second).Count();
        var last = source.Take(sourceLength).Reverse().Zip(target.Take(targetLength).Reverse()).TakeWhile(pair => pair.First == pair.Second).Count();
        return [.. Enumerable.Range(0, target.Count).Select(j => j < first || j >= targetLength ? j : j >= targetLength - last ? j - targetLength + sourceLength : (int?)null)];
    }

    private sealed class RowCounter : AttentionProcessor
    {
        public int Rows { get; private set; }

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            if (call.Site is { Index: 0, Kind: AttentionKind.Self })
                Rows += call.Step.Rows.Count;
            return Plain.Attend(call, query, key, value);
        }
    }

    /// <summary>Equations 1 to 3 on the rows s, e, l of the unconditional half, then of the conditional one.</summary>
    private sealed class ThreeBranches(InfEdit method, int?[] counterparts) : AttentionProcessor
    {
        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            var part = (call.Step.Index + 1) / (double)Steps;
            if (call.Site.Kind == AttentionKind.Self)
            {
                return part <= method.SelfPart
                    ? Attention(Pick(query, 0, 0, 0), Pick(key, 0, 0, 0), Pick(value, 0, 1, 0))
                    : Attention(Pick(query, 0, 1, 1), Pick(key, 0, 1, 0), Pick(value, 0, 1, 0));
            }

            var maps = PlainMethod.Map(query, key);
            if (part > method.CrossPart)
                return matmul(maps, value);
            // The unconditional half has one text for all branches.
            var ofEdit = cat([.. counterparts.Select((source, j) => source is { } i ? maps.narrow(0, 5, 1).narrow(3, i, 1) : maps.narrow(0, 4, 1).narrow(3, j, 1))], 3);
            return matmul(cat([maps[..1], maps[2..3], maps[2..4], ofEdit, maps[5..]], 0), value);
        }

        private static Tensor Attention(Tensor query, Tensor key, Tensor value) => matmul(PlainMethod.Map(query, key), value);

        private static Tensor Pick(Tensor batch, int s, int e, int l) => PlainMethod.Rows(batch, s, e, l, s + 3, e + 3, l + 3);
    }

    private sealed class Each(Action<EditProgress> act) : IProgress<EditProgress>
    {
        public void Report(EditProgress value) => act(value);
    }

    private static InversionSettings By(InversionMethod method) => new() { Prompt = MethodFixture.Prompt, Method = method };
}
