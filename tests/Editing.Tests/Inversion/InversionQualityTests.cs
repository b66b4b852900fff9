using PromptToPrompt.Editing.Inversion;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Inversion;

/// <summary>How near the methods come to an image, with a trained model.</summary>
[Trait("Category", "Slow")]
public sealed class InversionQualityTests(InversionQualityTests.TrainedDrawings drawings) : IClassFixture<InversionQualityTests.TrainedDrawings>, IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    // Exact inversions, inverted with the guidance that they are replayed with: nothing known of the way is used.
    [Theory]
    [InlineData("bdia", 1, 1)]
    [InlineData("bdia", 4, 1)]
    [InlineData("bdia", 4, 0.9)]
    [InlineData("edit-friendly", 4, 1)]
    [InlineData("virtual", 4, 1)]
    public void AnExactInversionIsRetracedToTheImage(string method, double guidance, double gamma)
    {
        var settings = InvertedDrawings.Settings(method) with { InversionGuidance = guidance };
        var found = drawings.Invert(settings.Method is BdiaInversion ? settings with { Method = new BdiaInversion { Gamma = gamma } } : settings);
        AssertClose(drawings.Latents, drawings.Retrace(found, guidance), 1e-3, method);
        AssertClose(drawings.Latents, found.SourceTrajectory[^1].unsqueeze(0), 1e-6, "source");
    }

    [Fact]
    public void OptimizingBringsTheImageNearerThanNotOptimizing()
    {
        var tuned = drawings.Invert(InvertedDrawings.Settings("null-text"));
        var untuned = drawings.Invert(InvertedDrawings.Settings("ddim"));
        Assert.True(Error(tuned) < Error(untuned), $"{Error(tuned)} against {Error(untuned)}");
        Assert.All(tuned.Losses, losses => Assert.True(losses.Count == 1 || losses[^1] < losses[0]));
    }

    // With 12 steps each one is small enough for the fixed point to attract.
    [Fact]
    public void RefiningTheInversionBringsTheImageNearer()
    {
        var settings = InvertedDrawings.Settings("negative-prompt");
        double[] errors = [.. new[] { 0, 1, 4 }.Select(count => Error(drawings.Invert(
            settings with { Sampling = settings.Sampling with { Steps = 12 }, FixedPoint = count })))];
        Assert.True(errors[0] > errors[1] && errors[1] > errors[2], string.Join(", ", errors));
    }

    [Fact]
    public void ProximalGuidanceLeavesOutWhatIsSmall()
    {
        var settings = InvertedDrawings.Settings("proximal");
        var plain = Edit(InvertedDrawings.Settings("negative-prompt"));
        AssertClose(plain, Edit(settings with { Method = new ProximalInversion { Quantile = 0 } }), 1e-6, "nothing left out");
        var source = drawings.Invert(settings).SourceTrajectory[^1];
        double[] changes = [.. new[] { 0, 0.7, 1 }.Select(
            quantile => (Edit(settings with { Method = new ProximalInversion { Quantile = quantile } }) - source).square().mean().ToDouble())];
        Assert.True(changes[0] > changes[1] && changes[1] > changes[2], string.Join(", ", changes));

        Tensor Edit(InversionSettings how) => drawings.Edit(drawings.Invert(how), "a blue castle in a field");
    }

    public void Dispose() => scope.Dispose();

    private double Error(InvertedImage found) => (found.SourceTrajectory[^1] - drawings.Latents[0]).square().mean().ToDouble();

    /// <summary>Inversions with the embedded model.</summary>
    public sealed class TrainedDrawings() : InvertedDrawings(EmbeddedModel.Load(), side: 64);
}
