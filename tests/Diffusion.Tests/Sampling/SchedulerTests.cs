using CsCheck;
using PromptToPrompt.Diffusion.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

/// <summary>What holds for every scheduler.</summary>
public sealed class SchedulerTests
{
    private static readonly SchedulerKind[] Stochastic = [SchedulerKind.EulerAncestral, SchedulerKind.Lcm];
    private static readonly SchedulerConfig Config = new() { Noise = new() { BetaStart = 0.00085, BetaEnd = 0.012, BetaSchedule = BetaSchedule.ScaledLinear } };

    [Fact]
    public void TimestepsFallFromNoiseToImage()
    {
        Gen.Select(Gen.Enum<SchedulerKind>(), Gen.Int[2, 300], Gen.Enum<TimestepSpacing>(), Gen.Int[0, 1]).Sample(
            (kind, steps, spacing, offset) =>
            {
                if (kind == SchedulerKind.Lcm)
                    steps = Math.Min(steps, Config.Lcm.OriginalInferenceSteps);
                using var scheduler = (Config with { TimestepSpacing = spacing, StepsOffset = offset }).CreateScheduler(kind, steps);
                long[] timesteps = [.. scheduler.Timesteps];
                Assert.Equal(kind == SchedulerKind.Pndm ? steps + 1 : steps, timesteps.Length);
                Assert.InRange(timesteps[0], 0, 999);
                Assert.InRange(timesteps[^1], 0, 999);
                for (var i = 1; i < timesteps.Length; i++)
                    Assert.True(timesteps[i] < timesteps[i - 1] || (kind == SchedulerKind.Pndm && i == 2 && timesteps[2] == timesteps[1]));
            },
            iter: 300,
            threads: 1);
    }

    /// <summary>Ten steps of each spacing, as table 2 of Lin et al. (arXiv 2305.08891) lists them; timesteps count from 1 there.</summary>
    [Theory]
    [InlineData(TimestepSpacing.Leading, new long[] { 901, 801, 701, 601, 501, 401, 301, 201, 101, 1 })]
    [InlineData(TimestepSpacing.Linspace, new long[] { 1000, 889, 778, 667, 556, 445, 334, 223, 112, 1 })]
    [InlineData(TimestepSpacing.Trailing, new long[] { 1000, 900, 800, 700, 600, 500, 400, 300, 200, 100 })]
    public void SpacingsAreThePapers(TimestepSpacing spacing, long[] published)
    {
        using var scheduler = new SchedulerConfig { TimestepSpacing = spacing }.CreateScheduler(SchedulerKind.Ddim, 10);
        Assert.Equal(published.Select(timestep => timestep - 1), scheduler.Timesteps);
    }

    [Theory]
    [InlineData(SchedulerKind.Ddim, 0)]
    [InlineData(SchedulerKind.Pndm, -3)]
    [InlineData(SchedulerKind.Euler, 1001)]
    [InlineData(SchedulerKind.DpmSolverPlusPlus, 1000)]
    [InlineData(SchedulerKind.EulerAncestral, 1001)]
    [InlineData(SchedulerKind.Lcm, 51)]
    public void ImpossibleNumbersOfStepsAreRefused(SchedulerKind kind, int steps)
    {
        var error = Assert.Throws<InvalidInputException>(() => Config.CreateScheduler(kind, steps));
        Assert.Equal("Steps", error.Setting);
        Assert.Contains($"{steps} ", error.Problem);
    }

    [Fact]
    public void ANetworkThatKnowsTheNoiseLeadsEverySchedulerToTheCleanSample()
    {
        using var scope = NewDisposeScope();
        Tensor clean = randn([1, 4, 4, 4], generator: new Generator(5)), noise = randn([1, 4, 4, 4], generator: new Generator(6));
        foreach (var kind in Enum.GetValues<SchedulerKind>().Except(Stochastic))
        {
            using var scheduler = (Config with { Ddim = new() { SetAlphaToOne = true }, Pndm = new() { SetAlphaToOne = true }, DpmSolver = new() { FinalSigmaIsZero = true } }).CreateScheduler(kind, 25);
            var x = scheduler.AddNoise(clean, noise, scheduler.Timesteps[0]);
            for (var step = 0; step < scheduler.Timesteps.Count; step++)
                x = scheduler.Step(noise, step, x);
            AssertClose(clean, x, 1e-4, $"{kind}");
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64)]
    public void ResultsKeepTheSamplesTypeAndNothingIsLeftBehind(ScalarType type)
    {
        foreach (var kind in Enum.GetValues<SchedulerKind>())
        {
            using var scheduler = Config.CreateScheduler(kind, 6);
            Tensor sample = ones(4, dtype: type), output = ones(4, dtype: type) * 0.1;
            DisposeScopeManager.Statistics.Reset();
            for (var step = 0; step < scheduler.Timesteps.Count; step++)
            {
                using var input = scheduler.ScaleModelInput(sample, step);
                using var next = scheduler.Step(output, step, sample);
                using var clean = scheduler.PredictSample(output, step, sample);
                Assert.Equal(type, next.dtype);
                Assert.Equal(type, input.dtype);
                Assert.False(sample.IsInvalid || output.IsInvalid);
            }
            scheduler.Dispose();
            Assert.Equal(0, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
            sample.Dispose();
            output.Dispose();
        }
    }

    [Fact]
    public void RememberedStepsSurviveTheCallersScope()
    {
        foreach (var kind in Enum.GetValues<SchedulerKind>())
        {
            using var scheduler = Config.CreateScheduler(kind, 6);
            var sample = ones(4);
            for (var step = 0; step < scheduler.Timesteps.Count; step++)
            {
                using var scope = NewDisposeScope();
                var next = scheduler.Step(sample.sin(), step, sample).DetachFromDisposeScope();
                sample.Dispose();
                sample = next;
            }
            sample.Dispose();
        }
    }

    [Fact]
    public void DdimStepsCanBeDifferentiated()
    {
        using var scope = NewDisposeScope();
        using var scheduler = Config.CreateScheduler(SchedulerKind.Ddim, 10);
        var output = zeros(3, requires_grad: true);
        scheduler.Step(output, 5, ones(3)).sum().backward();
        Assert.True(output.grad!.abs().min().item<float>() > 0);
    }
}
