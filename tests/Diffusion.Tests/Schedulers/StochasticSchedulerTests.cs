using PromptToPrompt.Diffusion.Schedulers;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Schedulers;

/// <summary>Samplers that add noise at each step.</summary>
public sealed class StochasticSchedulerTests
{
    private static readonly SchedulerConfig Config = new()
    {
        BetaStart = 0.00085,
        BetaEnd = 0.012,
        BetaSchedule = BetaSchedule.ScaledLinear,
        SetAlphaToOne = true,
        TimestepSpacing = TimestepSpacing.Trailing,
    };

    // Timesteps that distilled models are published with.
    [Theory]
    [InlineData(SamplerKind.Lcm, 1, new long[] { 999 })]
    [InlineData(SamplerKind.Lcm, 2, new long[] { 999, 499 })]
    [InlineData(SamplerKind.Lcm, 4, new long[] { 999, 759, 499, 259 })]
    [InlineData(SamplerKind.Lcm, 8, new long[] { 999, 879, 759, 639, 499, 379, 259, 139 })]
    [InlineData(SamplerKind.EulerAncestral, 1, new long[] { 999 })]
    [InlineData(SamplerKind.EulerAncestral, 4, new long[] { 999, 749, 499, 249 })]
    public void FewStepsBeginAtTheNoisiestTimestep(SamplerKind kind, int steps, long[] timesteps)
    {
        using var scheduler = Config.Create(kind, steps);
        Assert.Equal(timesteps, scheduler.Timesteps);
    }

    [Theory]
    [InlineData(SamplerKind.Lcm, 1)]
    [InlineData(SamplerKind.Lcm, 6)]
    [InlineData(SamplerKind.EulerAncestral, 1)]
    [InlineData(SamplerKind.EulerAncestral, 6)]
    public void ANetworkThatKnowsTheCleanSampleEndsThere(SamplerKind kind, int steps)
    {
        using var scope = NewDisposeScope();
        var (clean, noise) = (Random(5, 2), Random(6, 2));
        using var scheduler = (Config with { PredictionType = PredictionType.Sample }).Create(kind, steps);
        var x = scheduler.AddNoise(clean, noise, scheduler.Timesteps[0]);
        for (var step = 0; step < steps; step++)
            x = scheduler.Step(clean, step, x);
        SchedulerGoldens.AssertClose(clean, x, 1e-4, $"{kind}");
    }

    /// <summary>After a step of a network that knows the clean sample there is as much noise as the next timestep has.</summary>
    [Theory]
    [InlineData(SamplerKind.Lcm)]
    [InlineData(SamplerKind.EulerAncestral)]
    public void EachStepLeavesTheNoiseOfTheNext(SamplerKind kind)
    {
        using var scope = NewDisposeScope();
        var clean = zeros(1, 4, 96, 96);
        using var scheduler = (Config with { PredictionType = PredictionType.Sample }).Create(kind, 5, seed: 3);
        var x = scheduler.AddNoise(clean, randn([1, 4, 96, 96], generator: new Generator(1)), scheduler.Timesteps[0]);
        for (var step = 0; step + 1 < 5; step++)
        {
            x = scheduler.Step(clean, step, x);
            var expected = scheduler.AddNoise(clean, ones(1), scheduler.Timesteps[step + 1]).mean().ToDouble();
            Assert.Equal(1, x.std().ToDouble() / expected, 0.02);
        }
    }

    [Theory]
    [InlineData(SamplerKind.Lcm)]
    [InlineData(SamplerKind.EulerAncestral)]
    public void NoiseIsOfTheSeedAndTheSameForAllPictures(SamplerKind kind)
    {
        using var scope = NewDisposeScope();
        var (sample, output) = (Random(1, 1).expand(3, -1, -1, -1), Random(2, 1).expand(3, -1, -1, -1));
        using var scheduler = Config.Create(kind, 4, seed: 7);
        var first = scheduler.Step(output, 0, sample);
        var second = scheduler.Step(output, 1, first);
        Assert.True(second[0].Equals(second[2]));
        // A run that begins midway, and one that was begun again, draw the same.
        using var midway = Config.Create(kind, 4, seed: 7);
        Assert.True(second[..1].Equals(midway.Step(output[..1], 1, first[..1])));
        Assert.True(first.Equals(scheduler.Step(output, 0, sample)));
        using var other = Config.Create(kind, 4, seed: 8);
        Assert.False(first.Equals(other.Step(output, 0, sample)));
    }

    [Fact]
    public void TheNoiseFollowsTheStartingNoiseOfTheSeed()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        _ = randn([1, 4, 4, 4], generator: generator);
        var expected = randn([1, 4, 4, 4], generator: generator);
        using var scheduler = (Config with { PredictionType = PredictionType.Sample }).Create(SamplerKind.Lcm, 4, seed: 7);
        var level = scheduler.Noise.Level(scheduler.Timesteps[1]);
        SchedulerGoldens.AssertClose(expected * level.Sigma, scheduler.Step(zeros(1, 4, 4, 4), 0, zeros(1, 4, 4, 4)), 1e-5, "noise");
    }

    private static Tensor Random(ulong seed, long rows) => randn([rows, 4, 4, 4], generator: new Generator(seed));
}
