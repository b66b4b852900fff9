using PromptToPrompt.Diffusion.Sampling;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

public sealed class NoiseLevelTests
{
    /// <summary>What a network is trained to say stands for the sample and the noise that went in.</summary>
    [Theory]
    [InlineData(PredictionType.Epsilon)]
    [InlineData(PredictionType.VPrediction)]
    [InlineData(PredictionType.Sample)]
    public void TheTargetIsWhatAPredictionStandsFor(PredictionType type)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        var (sample, noise) = (randn([1, 4, 3, 2], generator: random), randn([1, 4, 3, 2], generator: random));
        var level = NoiseLevel.FromAlphaCumprod(0.3);
        var (noisy, target) = (level.AddNoise(sample, noise), level.Target(type, sample, noise));
        AssertClose(sample, level.PredictSample(type, target, noisy), 1e-5, "sample");
        AssertClose(noise, level.PredictNoise(type, target, noisy), 1e-5, "noise");
    }
}
