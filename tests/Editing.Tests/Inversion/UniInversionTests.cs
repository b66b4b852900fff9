using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Inversion;

/// <summary>Uni-Inv against its equations.</summary>
public sealed class UniInversionTests(InvertedDrawings drawings) : IClassFixture<InvertedDrawings>, IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    [Theory]
    [InlineData(1, 6)]
    [InlineData(0.5, 3)]
    public void TheTrajectoryIsThatOfTheEquations(double depth, int inverted)
    {
        using var _ = no_grad();
        var settings = InvertedDrawings.Settings("uni-inv");
        var found = drawings.Invert(settings with { Method = new UniInversion { Depth = depth } });
        var (model, steps) = (drawings.Model, settings.Sampling.Steps);
        using var scheduler = new DdimScheduler(model.SchedulerConfig, steps);
        var empty = TextConditioning.EncodeNegative(model, "");
        var timesteps = scheduler.Timesteps.Reverse().ToList();

        // The signal's share of the variance at each level; the image's own comes first.
        double[] levels = [scheduler.Config.Ddim.SetAlphaToOne ?? true ? 1 : Level(0), .. timesteps.Select(Level)];
        var expected = new List<Tensor> { drawings.Latents };
        var noise = model.UNet.Forward(drawings.Latents, tensor(new[] { 0L }), empty);
        for (var i = 0; i < inverted; i++)
        {
            noise = model.UNet.Forward(Move(expected[i], noise, levels[i], levels[i + 1]), tensor(new[] { timesteps[i] }), empty);
            expected.Add(Move(expected[i], noise, levels[i], levels[i + 1]));
        }

        AssertClose(cat([.. expected], 0), found.Latents.narrow(0, 0, inverted + 1));
        Assert.Equal(steps - inverted, found.Settings.FirstStep);

        double Level(long timestep) => Math.Pow(scheduler.Noise.Level(timestep).Alpha, 2);

        static Tensor Move(Tensor latents, Tensor noise, double from, double to) =>
            (((latents - (noise * Number(1 - from))) / Number(from)) * Number(to)) + (noise * Number(1 - to));

        static Scalar Number(double variance) => NativeScalar.Scalar(Math.Sqrt(variance));
    }

    [Fact]
    public void EditsBeginWhereTheInversionEnded()
    {
        var settings = InvertedDrawings.Settings("uni-inv") with { Method = new UniInversion { Depth = 0.5 } };
        var taken = new List<int>();
        using var result = EditRun.Execute(
            drawings.Model, GenerationRequest.Of(drawings.Invert(settings)), new EditRequest { Prompts = ["a blue castle in a field"] }, progress: new Each(step => taken.Add(step.Steps)));
        Assert.Equal([3, 3, 3], taken);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    [InlineData(1.1)]
    public void APartWithoutStepsIsRefused(double depth)
    {
        var settings = InvertedDrawings.Settings("uni-inv") with { Method = new UniInversion { Depth = depth } };
        Assert.Equal(nameof(UniInversion.Depth), Assert.Throws<InvalidInputException>(settings.Validate).Setting);
    }

    public void Dispose() => scope.Dispose();

    private sealed class Each(Action<EditProgress> act) : IProgress<EditProgress>
    {
        public void Report(EditProgress value) => act(value);
    }
}
