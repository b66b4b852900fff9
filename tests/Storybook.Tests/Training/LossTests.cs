using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Storybook.Training;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Tests.Training;

public sealed class LossTests
{
    [Fact]
    public void TheEdgeLossIsTheDifferenceOfGradientsAtThreeScales()
    {
        using var scope = NewDisposeScope();
        // A slope of 1 to the right: 1 per pixel, 2 and 4 per pixel of the halved images, and 0 downwards.
        var slope = arange(16, dtype: ScalarType.Float32).expand(1, 3, 16, 16);
        Assert.Equal(1 + 2 + 4, EdgeLoss.Of(slope).item<float>(), 1e-5);
        Assert.Equal(0, EdgeLoss.Of(full([1, 3, 16, 16], 5f)).item<float>(), 1e-6);
    }

    [Fact]
    public void ABlurredEdgeCostsMoreThanAShiftOfColors()
    {
        using var scope = NewDisposeScope();
        var edge = cat([full([1, 3, 16, 8], -1f), full([1, 3, 16, 8], 1f)], 3);
        var blurred = nn.functional.avg_pool2d(nn.functional.pad(edge, [2, 2, 2, 2], TorchSharp.PaddingModes.Replicate), 5, stride: 1);
        var error = (blurred - edge).pow(2).mean().sqrt();
        Assert.True(EdgeLoss.Of(blurred - edge).item<float>() > 0.1);
        Assert.Equal(0, EdgeLoss.Of(ones_like(edge) * error).item<float>(), 1e-6);
    }

    [Fact]
    public void TheDiscriminatorsLossIsZeroBeyondItsMargin()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(0, AdversarialLoss.OfDiscriminator(full([4], 1.5f), full([4], -2f)).item<float>());
        // ½·max(0, 1 − 0.5) + ½·max(0, 1 + 0.2)
        Assert.Equal(0.85, AdversarialLoss.OfDiscriminator(full([4], 0.5f), full([4], 0.2f)).item<float>(), 1e-6);
        Assert.Equal(-0.5, AdversarialLoss.OfDecoder(full([4], 0.5f)).item<float>(), 1e-6);
    }

    [Fact]
    public void TheAdaptiveWeightIsTheRatioOfGradientNorms()
    {
        using var scope = NewDisposeScope();
        var layer = tensor(new[] { 1f, 2f }).requires_grad_(true);
        // Gradients (3, 3) and (0.5, 0): the weight is √18 / 0.5.
        var weight = AdversarialLoss.AdaptiveWeight((layer * 3).sum(), (layer[0] * 0.5).sum(), layer);
        Assert.Equal(Math.Sqrt(18) / 0.5001, weight.item<float>(), 1e-3);
        Assert.False(weight.requires_grad);
        Assert.Null(layer.grad);
    }

    [Fact]
    public void TheDiscriminatorScoresPatches()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var weights = new InitialWeights(generator);
        var discriminator = new PatchDiscriminator(weights.Root);
        var pixels = rand([2, 3, 64, 64], generator: generator);
        var scores = discriminator.Forward(pixels);
        Assert.Equal([2, 1, 7, 7], scores.shape);
        // Each image is judged by itself.
        AssertClose(scores.narrow(0, 0, 1), discriminator.Forward(pixels.narrow(0, 0, 1)));
    }
}
