using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Pipelines;

public sealed class GuidanceRescaleTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Tensor output;

    public GuidanceRescaleTests()
    {
        using var random = new Generator(3);
        output = randn([4, 4, 8, 8], generator: random);
    }

    [Fact]
    public void AllOfItLeavesTheContrastOfTheConditionalPrediction()
    {
        var rescaled = Guided(rescale: 1);
        for (var image = 0; image < 2; image++)
        {
            Assert.Equal(output[2 + image].std().ToDouble(), rescaled[image].std().ToDouble(), 1e-5);
            var plain = Guided(rescale: 0)[image];
            Assert.True((plain / plain.std()).allclose(rescaled[image] / rescaled[image].std(), atol: 1e-5));
        }
    }

    [Fact]
    public void APartLiesBetween()
    {
        var expected = (0.7 * Guided(rescale: 1)) + (0.3 * Guided(rescale: 0));
        Assert.True(expected.allclose(Guided(rescale: 0.7), atol: 1e-5));
    }

    public void Dispose() => scope.Dispose();

    // Two pictures: rows 0 and 1 are unconditional, 2 and 3 conditional.
    private Tensor Guided(double rescale)
    {
        var request = new DenoisingRequest
        {
            Latents = zeros(2, 4, 8, 8),
            Prompts = [0, 1],
            Conditional = new Conditioning(zeros(2, 3, 5)),
            Unconditional = new Conditioning(zeros(1, 3, 5)),
            Sampling = new() { Guidance = 7.5, GuidanceRescale = rescale },
        };
        var batch = new GuidedBatch(request);
        Assert.Equal([new(0, false), new(1, false), new(0, true), new(1, true)], batch.Rows.AsEnumerable<BatchRow>());
        return batch.Guide(0, output);
    }
}
