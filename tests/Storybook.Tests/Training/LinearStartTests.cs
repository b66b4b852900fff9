using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Vae;
using PromptToPrompt.Storybook.Training;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Tests.Training;

public sealed class LinearStartTests
{
    [Fact]
    public void ResidualBranchesStartAtZeroAndLatentsAboveTheirNoise()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6, CPU);
        using var weights = new InitialWeights(generator);
        var config = TrainingRecipe.Storybook256.Vae;
        _ = new AutoencoderKL(config, weights.Root);
        LinearStart.Apply(weights, config);
        Assert.All(weights.Named.Where(weight => weight.Key.EndsWith("conv2.weight", StringComparison.Ordinal)), weight => Assert.Equal(0, weight.Value.abs().max().item<float>()));

        var named = weights.Named.ToDictionary(weight => weight.Key, weight => new StoredWeight(weight.Value.shape, () => weight.Value));
        using var stored = new StoredWeights("initial weights", named);
        var (mean, logVariance) = new AutoencoderKL(config, stored.Root).Moments(rand([1, 3, 64, 64], generator: generator) - 0.5);
        Assert.InRange(logVariance.mean().item<float>(), -7, -5);
        Assert.True(mean.std().item<float>() > 2 * Math.Exp(logVariance.mean().item<float>() / 2), $"{mean.std().item<float>()}");
    }
}
