using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>MasaCtrl against its definition with every map, and with the source recorded.</summary>
public sealed class MasaCtrlTests(MethodFixture fixture) : IClassFixture<MethodFixture>
{
    // Of the small network's seven layers, the last two; from the second step on.
    private static readonly MasaCtrl Plain = new() { ShareStart = 0.2 };
    private static readonly MasaCtrl Masked = Plain with { Subject = BlendWords.Parse("house:castle"), SubjectThreshold = 0.4 };

    private static MutualMaps Definition(MasaCtrl method) => new(firstStep: 1, firstLayer: 5)
    {
        Subject = method.Subject is null ? null : ("house", "castle"),
        Threshold = method.SubjectThreshold,
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnEditIsWhatItsDefinitionSays(bool masked)
    {
        using var scope = NewDisposeScope();
        var method = masked ? Masked : Plain;
        var expected = MethodFixture.Plain.Run(fixture.Model, fixture.Noise, Definition(method).For(fixture));
        using var result = EditRun.Execute(fixture.Model, fixture.Drawn, Edit(method));

        AssertClose(expected, result.Latents);
        AssertDiffers(fixture.Edit(fixture.Drawn, MethodFixture.Free), expected.narrow(0, 1, 1));
        if (masked)
            AssertDiffers(MethodFixture.Plain.Run(fixture.Model, fixture.Noise, Definition(Plain).For(fixture)), expected);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnInvertedImageGivesItsActivationsToEachEditAndRunsOnce(bool masked)
    {
        using var scope = NewDisposeScope();
        var method = masked ? Masked : Plain;
        var trajectory = fixture.Inverted.SourceTrajectory;
        var expected = MethodFixture.Plain.Run(fixture.Model, trajectory.narrow(0, 0, 1), Definition(method).For(fixture), trajectory).narrow(0, 1, 1);
        using var session = new EditSession(fixture.Model, GenerationRequest.Of(fixture.Inverted), ScalarType.Float32, long.MaxValue);
        var rows = new List<int>();
        using var first = session.Edit(Edit(method), progress: new Each(step => rows.Add(step.Rows)));
        // The same words, parsed again, as every command and every request of the studio does.
        var again = masked ? method with { Subject = BlendWords.Parse("house:castle") } : method with { };
        using var second = session.Edit(Edit(again), progress: new Each(step => rows.Add(step.Rows)));

        AssertClose(expected, first.Latents, what: "the first edit, with the source in its batch");
        AssertClose(expected, second.Latents, what: "the second edit, with the recorded source");
        Assert.Equal([.. Enumerable.Repeat(4, MethodFixture.Steps), .. Enumerable.Repeat(2, MethodFixture.Steps)], rows);
        Assert.Single(second.Images);
    }

    [Fact]
    public void ASourceThatDoesNotFitInMemoryRunsWithEachEdit()
    {
        using var scope = NewDisposeScope();
        using var session = new EditSession(fixture.Model, fixture.Drawn, ScalarType.Float32, maxBytes: 50_000);
        var rows = new List<int>();
        using var first = session.Edit(Edit(Plain), progress: new Each(step => rows.Add(step.Rows)));
        using var second = session.Edit(Edit(Plain), progress: new Each(step => rows.Add(step.Rows)));

        AssertClose(fixture.Edit(fixture.Drawn, Edit(Plain)), first.Latents);
        AssertClose(first.Latents, second.Latents);
        Assert.Equal(Enumerable.Repeat(4, 2 * MethodFixture.Steps), rows);
        Assert.Equal(0, session.RecordedBytes);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(50_000)]
    public void RowsMayBeComputedOneAfterAnother(long maxBytes)
    {
        using var scope = NewDisposeScope();
        var expected = fixture.Edit(fixture.Drawn, Edit(Plain));
        using var session = new EditSession(fixture.Model, fixture.Drawn with { RowByRow = true }, ScalarType.Float32, maxBytes);
        using var edit = session.Edit(Edit(Plain));
        AssertClose(expected, edit.Latents);
        AssertClose(expected, fixture.Edit(fixture.Drawn with { RowByRow = true }, Edit(Plain)));
    }

    [Fact]
    public void AfterTheLastStepOrLayerNothingIsShared()
    {
        using var scope = NewDisposeScope();
        var free = fixture.Edit(fixture.Drawn, MethodFixture.Free);
        AssertClose(free, fixture.Edit(fixture.Drawn, Edit(new MasaCtrl { ShareStart = 1 })), 1e-6);
        AssertClose(free, fixture.Edit(fixture.Drawn, Edit(new MasaCtrl { ShareLayer = MasaCtrl.Layers })), 1e-6);
    }

    [Fact]
    public void ALocalBlendAndMapsWorkAsInOtherEdits()
    {
        using var scope = NewDisposeScope();
        var edit = Edit(Plain) with { Blend = BlendWords.Parse("house:castle"), BlendThreshold = 0.8, BlendStart = 0 };
        using var together = EditRun.Execute(fixture.Model, fixture.Drawn, edit, new Observation { Attention = true });
        using var session = new EditSession(fixture.Model, fixture.Drawn, ScalarType.Float32, long.MaxValue);
        using var first = session.Edit(edit);
        using var second = session.Edit(edit);

        AssertDiffers(fixture.Edit(fixture.Drawn, Edit(Plain)), first.Latents);
        AssertClose(together.Latents.narrow(0, 1, 1), first.Latents);
        AssertClose(first.Latents, second.Latents);
        AssertClose(together.Maps!.Mean(1), second.Maps!.Mean(1));
    }

    [Fact]
    public void RegionsNeedAllRowsAtOnce()
    {
        var error = Assert.Throws<InvalidInputException>(() => EditRun.Execute(fixture.Model, fixture.Drawn with { RowByRow = true }, Edit(Masked)));
        Assert.Equal(nameof(MasaCtrl.Subject), error.Setting);
    }

    private static EditRequest Edit(EditMethod method) => new() { Prompts = [MethodFixture.Target], Method = method };

    /// <summary>Equations 1 to 4 with every map.</summary>
    private sealed class MutualMaps(int firstStep, int firstLayer) : AttentionProcessor
    {
        private const int Side = 16;

        private readonly List<Tensor> maps = [];
        private int[]? source;
        private int[]? target;
        private int step = -1;

        public (string Source, string Target)? Subject { get; init; }

        public double Threshold { get; init; }

        public MutualMaps For(MethodFixture fixture)
        {
            source = Subject is { } words ? [.. fixture.Model.Tokenizer.Tokenize(MethodFixture.Prompt).PlacesOf(words.Source)] : null;
            target = Subject is { } others ? [.. fixture.Model.Tokenizer.Tokenize(MethodFixture.Target).PlacesOf(others.Target)] : null;
            return this;
        }

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            if (step != call.Step.Index)
                maps.Clear();
            step = call.Step.Index;
            var layer = call.Site.Index / 2;
            if (call.Site.Kind == AttentionKind.Cross)
            {
                var map = PlainMethod.Map(query, key);
                if (call.Positions == Side * Side)
                    maps.Add(map.mean([1]).DetachFromDisposeScope());
                return matmul(map, value);
            }

            if (call.Step.Index < firstStep || layer < firstLayer)
                return matmul(PlainMethod.Map(query, key), value);
            var (keys, values) = (PlainMethod.Rows(key, PlainMethod.RowOfSource), PlainMethod.Rows(value, PlainMethod.RowOfSource));
            var shared = matmul(PlainMethod.Map(query, keys), values);
            if (source is null || target is null || maps.Count == 0)
                return shared;
            var ofSource = Region(2, source, call.Height);
            var ofTarget = Region(3, target, call.Height).unsqueeze(1);
            var far = NativeScalar.Scalar(-1e9);
            var front = matmul(PlainMethod.Map(query, keys, (1 - ofSource) * far), values);
            var back = matmul(PlainMethod.Map(query, keys, ofSource * far), values);
            var masked = (ofTarget * front) + ((1 - ofTarget) * back);
            return cat([shared.narrow(0, 0, 1), masked.narrow(0, 1, 1), shared.narrow(0, 2, 1), masked.narrow(0, 3, 1)], 0);
        }

        private Tensor Region(int row, int[] tokens, int side)
        {
            var mean = stack(maps).mean([0])[row];
            var word = tokens.Select(token => mean.select(1, token)).Aggregate((a, b) => a + b).view(1, 1, Side, Side);
            var scaled = (word - word.min()) / (word.max() - word.min());
            return nn.functional.interpolate(scaled, [side, side], mode: InterpolationMode.Nearest).flatten().ge(NativeScalar.Scalar(Threshold)).to(ScalarType.Float32);
        }
    }

    private sealed class Each(Action<EditProgress> act) : IProgress<EditProgress>
    {
        public void Report(EditProgress value) => act(value);
    }
}
