using PromptToPrompt.Storybook.Training;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Tests.Training;

public sealed class ReconstructionFidelityTests
{
    [Fact]
    public void BlurLowersTheGradientsAndMostOfAllTheEdges()
    {
        using var scope = NewDisposeScope();
        using var images = new Images(seed: 5, size: 64);
        var pixels = Images.Pixels([images.Paint(images.Scene(1))]);
        var blurred = nn.functional.avg_pool2d(pixels, 3, stride: 1, padding: 1, count_include_pad: false);
        var fidelity = ReconstructionFidelity.Of(pixels, blurred);
        Assert.InRange(fidelity.Psnr, 15, 40);
        Assert.InRange(fidelity.Edges, 0.2, 0.8);
        Assert.True(fidelity.Edges < fidelity.Gradients, fidelity.ToString());
    }

    [Fact]
    public void AShiftOfBrightnessCostsSignalButNoEdges()
    {
        using var scope = NewDisposeScope();
        var pixels = rand(1, 3, 32, 32) - 0.5;
        var fidelity = ReconstructionFidelity.Of(pixels, pixels + 0.2);
        // 10·log₁₀(4 / 0.2²)
        Assert.Equal(20, fidelity.Psnr, 1e-3);
        Assert.Equal((1.0, 1.0), (Math.Round(fidelity.Gradients, 4), Math.Round(fidelity.Edges, 4)));
    }
}
