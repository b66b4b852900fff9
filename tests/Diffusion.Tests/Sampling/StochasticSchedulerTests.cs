using PromptToPrompt.Diffusion.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

/// <summary>Schedulers that add noise at each step.</summary>
public sealed class StochasticSchedulerTests
{
    private static readonly SchedulerConfig Config = new()
    {
        Noise = new() { BetaStart = 0.00085, BetaEnd = 0.012, BetaSchedule = BetaSchedule.ScaledLinear },
        TimestepSpacing = TimestepSpacing.Trailing,
    };

    // Timesteps that distilled models are published with.
    [Theory]
    [InlineData(SchedulerKind.Lcm, 1, new long[] { 999 })]
    [InlineData(SchedulerKind.Lcm, 2, new long[] { 999, 499 })]
    [InlineData(SchedulerKind.Lcm, 4, new long[] { 999, 759, 499, 259 })]
    [InlineData(SchedulerKind.Lcm, 8, new long[] { 999, 879, 759, 639, 499, 379, 259, 139 })]
    [InlineData(SchedulerKind.EulerAncestral, 1, new long[] { 999 })]
    [InlineData(SchedulerKind.EulerAncestral, 4, new long[] { 999, 749, 499, 249 })]
    public void FewStepsBeginAtTheNoisiestTimestep(SchedulerKind kind, int steps, long[] timesteps)
    {
        using var scheduler = Config.CreateScheduler(kind, steps);
        Assert.Equal(timesteps, scheduler.Timesteps);
    }

    [Theory]
    [InlineData(SchedulerKind.Lcm, 1)]
    [InlineData(SchedulerKind.Lcm, 6)]
    [InlineData(SchedulerKind.EulerAncestral, 1)]
    [InlineData(SchedulerKind.EulerAncestral, 6)]
    public void ANetworkThatKnowsTheCleanSampleEndsThere(SchedulerKind kind, int steps)
    {
        using var scope = NewDisposeScope();
        var (clean, noise) = (Random(5, 2), Random(6, 2));
        using var scheduler = (Config with { PredictionType = PredictionType.Sample }).CreateScheduler(kind, steps);
        var x = scheduler.AddNoise(clean, noise, scheduler.Timesteps[0]);
        for (var step = 0; step < steps; step++)
            x = scheduler.Step(clean, step, x);
        AssertClose(clean, x, 1e-4, $"{kind}");
    }

    /// <summary>After a step of a network that knows the clean sample there is as much noise as the next timestep has.</summary>
    [Theory]
    [InlineData(SchedulerKind.Lcm)]
    [InlineData(SchedulerKind.EulerAncestral)]
    public void EachStepLeavesTheNoiseOfTheNext(SchedulerKind kind)
    {
        using var scope = NewDisposeScope();
        var clean = zeros(1, 4, 96, 96);
        using var scheduler = (Config with { PredictionType = PredictionType.Sample }).CreateScheduler(kind, 5, seed: 3);
        var x = scheduler.AddNoise(clean, randn([1, 4, 96, 96], generator: new Generator(1)), scheduler.Timesteps[0]);
        for (var step = 0; step + 1 < 5; step++)
        {
            x = scheduler.Step(clean, step, x);
            var expected = scheduler.AddNoise(clean, ones(1), scheduler.Timesteps[step + 1]).mean().ToDouble();
            Assert.Equal(1, x.std().ToDouble() / expected, 0.02);
        }
    }

    [Theory]
    [InlineData(SchedulerKind.Lcm)]
    [InlineData(SchedulerKind.EulerAncestral)]
    public void NoiseIsOfTheSeedAndTheSameForAllImages(SchedulerKind kind)
    {
        using var scope = NewDisposeScope();
        var (sample, output) = (Random(1, 1).expand(3, -1, -1, -1), Random(2, 1).expand(3, -1, -1, -1));
        using var scheduler = Config.CreateScheduler(kind, 4, seed: 7);
        var first = scheduler.Step(output, 0, sample);
        var second = scheduler.Step(output, 1, first);
        Assert.True(second[0].Equals(second[2]));
        // A run that begins midway, and one that was begun again, draw the same.
        using var midway = Config.CreateScheduler(kind, 4, seed: 7);
        Assert.True(second[..1].Equals(midway.Step(output[..1], 1, first[..1])));
        Assert.True(first.Equals(scheduler.Step(output, 0, sample)));
        using var other = Config.CreateScheduler(kind, 4, seed: 8);
        Assert.False(first.Equals(other.Step(output, 0, sample)));
    }

    [Fact]
    public void TheNoiseFollowsTheStartingNoiseOfTheSeed()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        _ = randn([1, 4, 4, 4], generator: generator);
        var expected = randn([1, 4, 4, 4], generator: generator);
        using var scheduler = (Config with { PredictionType = PredictionType.Sample }).CreateScheduler(SchedulerKind.Lcm, 4, seed: 7);
        var level = scheduler.Noise.Level(scheduler.Timesteps[1]);
        AssertClose(expected * level.Sigma, scheduler.Step(zeros(1, 4, 4, 4), 0, zeros(1, 4, 4, 4)), 1e-5, "noise");
    }

    /// <summary>A step of LCM, number by number from arXiv 2310.04378: c_skip·x + c_out·(x − σ·ε)/α, then noise to the next timestep.</summary>
    [Theory]
    [InlineData(PredictionType.Epsilon, 1, 759, 499)]
    [InlineData(PredictionType.Epsilon, 3, 259, null)]
    [InlineData(PredictionType.VPrediction, 1, 759, 499)]
    public void AnLcmStepIsThePapers(PredictionType type, int step, int timestep, int? next)
    {
        using var scope = NewDisposeScope();
        var (x, output, z) = (Random(1, 1), Random(2, 1), Noise(seed: 7, step));
        using var scheduler = (Config with { PredictionType = type }).CreateScheduler(SchedulerKind.Lcm, 4, seed: 7);

        var (alpha, sigma) = Level(timestep);
        var time = timestep * 10.0;
        var (skip, share) = (0.25 / ((time * time) + 0.25), time / Math.Sqrt((time * time) + 0.25));
        var (nextAlpha, nextSigma) = next is null ? (1, 0) : Level(next.Value);
        var expected = Numbers(x).Zip(Numbers(output), Numbers(z)).Select(at =>
        {
            var (sample, predicted, noise) = at;
            var clean = type == PredictionType.Epsilon ? (sample - (sigma * predicted)) / alpha : (alpha * sample) - (sigma * predicted);
            return (nextAlpha * ((skip * sample) + (share * clean))) + (nextSigma * noise);
        });

        AssertEqual(expected, scheduler.Step(output, step, x));
    }

    /// <summary>
    /// A step of ancestral Euler in the variable x_0 + σ·ε: down to √(σ'² − u²) along the slope and up by u·z, where u² = σ'²(σ² − σ'²)/σ² is the
    /// variance of DDPM's posterior (arXiv 2006.11239, equation 7, in that variable).
    /// </summary>
    [Theory]
    [InlineData(PredictionType.Epsilon, 1, 749, 499)]
    [InlineData(PredictionType.Epsilon, 3, 249, null)]
    [InlineData(PredictionType.VPrediction, 1, 749, 499)]
    public void AnAncestralStepIsThePapers(PredictionType type, int step, int timestep, int? next)
    {
        using var scope = NewDisposeScope();
        var (x, output, z) = (Random(1, 1) * 5, Random(2, 1), Noise(seed: 7, step));
        using var scheduler = (Config with { PredictionType = type }).CreateScheduler(SchedulerKind.EulerAncestral, 4, seed: 7);

        var from = Ratio(timestep);
        var to = next is null ? 0 : Ratio(next.Value);
        var up = Math.Sqrt(to * to * ((from * from) - (to * to)) / (from * from));
        var down = Math.Sqrt((to * to) - (up * up));
        var scale = 1 / Math.Sqrt((from * from) + 1);
        var expected = Numbers(x).Zip(Numbers(output), Numbers(z)).Select(at =>
        {
            var (sample, predicted, noise) = at;
            var clean = type == PredictionType.Epsilon ? sample - (from * predicted) : (scale * scale * sample) - (from * scale * predicted);
            return sample + ((sample - clean) / from * (down - from)) + (up * noise);
        });

        AssertEqual(expected, scheduler.Step(output, step, x));
    }

    /// <summary>ᾱ = Π (1 − β) of Stable Diffusion's schedule, √β linear from √0.00085 to √0.012, as α and σ.</summary>
    private static (double Alpha, double Sigma) Level(int timestep)
    {
        var kept = 1.0;
        for (var t = 0; t <= timestep; t++)
        {
            var root = Math.Sqrt(0.00085) + (t / 999.0 * (Math.Sqrt(0.012) - Math.Sqrt(0.00085)));
            kept *= 1 - (root * root);
        }

        return (Math.Sqrt(kept), Math.Sqrt(1 - kept));
    }

    private static double Ratio(int timestep) => Level(timestep) is var (alpha, sigma) ? sigma / alpha : 0;

    /// <summary>What PyTorch's generator draws for a step, after the starting noise.</summary>
    private static Tensor Noise(ulong seed, int step)
    {
        using var generator = new Generator(seed);
        Tensor[] drawn = [.. Enumerable.Range(0, step + 2).Select(_ => randn([1, 4, 4, 4], generator: generator))];
        return drawn[^1];
    }

    private static double[] Numbers(Tensor tensor) => tensor.to(ScalarType.Float64).contiguous().data<double>().ToArray();

    private static void AssertEqual(IEnumerable<double> expected, Tensor actual)
    {
        foreach (var (want, found) in expected.Zip(Numbers(actual)))
            Assert.Equal(want, found, 2e-5 * (1 + Math.Abs(want)));
    }

    private static Tensor Random(ulong seed, long rows) => randn([rows, 4, 4, 4], generator: new Generator(seed));
}
