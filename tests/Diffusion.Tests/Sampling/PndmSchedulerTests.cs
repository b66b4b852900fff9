using PromptToPrompt.Diffusion.Sampling;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

public sealed class PndmSchedulerTests
{
    private static readonly SchedulerConfig StableDiffusion = new()
    {
        ClassName = "PNDMScheduler",
        Noise = new() { BetaStart = 0.00085, BetaEnd = 0.012, BetaSchedule = BetaSchedule.ScaledLinear },
        StepsOffset = 1,
        Ddim = new() { SetAlphaToOne = false },
        Pndm = new() { SetAlphaToOne = false, SkipPrkSteps = true },
    };

    [Fact]
    public void TheSecondTimestepComesTwice()
    {
        using var scheduler = StableDiffusion.CreateScheduler(SchedulerKind.Pndm, 5);
        Assert.Equal([801, 601, 601, 401, 201, 1], scheduler.Timesteps);
        using var one = StableDiffusion.CreateScheduler(SchedulerKind.Pndm, 1);
        Assert.Equal([1], one.Timesteps);
    }

    /// <summary>With a constant prediction all orders are the same, and the transfer is that of DDIM.</summary>
    [Theory]
    [InlineData(PredictionType.Epsilon)]
    [InlineData(PredictionType.VPrediction)]
    public void WithConstantNoiseItLandsWhereDdimLands(PredictionType type)
    {
        using var scope = NewDisposeScope();
        var config = StableDiffusion with { PredictionType = type };
        using Scheduler pndm = config.CreateScheduler(SchedulerKind.Pndm, 10), ddim = config.CreateScheduler(SchedulerKind.Ddim, 10);
        Tensor sample = randn(64, generator: new Generator(3)), noise = randn(64, generator: new Generator(4));
        Tensor expected = sample, actual = sample;
        for (var step = 0; step < 10; step++)
            expected = ddim.Step(Output(ddim, ddim.Timesteps[step], expected), step, expected);
        for (var step = 0; step < 11; step++)
        {
            // The repeated evaluation applies at the first timestep again, to the sample the run began with.
            (var at, var from) = step == 1 ? (pndm.Timesteps[0], sample) : (pndm.Timesteps[step], actual);
            actual = pndm.Step(type == PredictionType.Epsilon ? noise : Output(pndm, at, from), step, actual);
            if (type == PredictionType.VPrediction && step == 2)
                return; // earlier velocities are of other levels from here on, so the two no longer agree exactly
        }
        AssertClose(expected, actual, 1e-5, "end");

        // The network's output that stands for the constant noise at this sample.
        Tensor Output(Scheduler scheduler, long timestep, Tensor x)
        {
            var level = scheduler.Noise.Level(timestep);
            return type == PredictionType.Epsilon ? noise : (noise - (x * level.Sigma)) / level.Alpha;
        }
    }

    /// <summary>The expected numbers are those of the algorithm written out step by step, in double precision and another language.</summary>
    [Fact]
    public void AWholeRunIsTheAlgorithms()
    {
        using var scope = NewDisposeScope();
        using var scheduler = StableDiffusion.CreateScheduler(SchedulerKind.Pndm, 5);
        var end = SchedulerGoldens.Trajectory(scheduler, tensor(new[] { 1.3, -0.4 }), x => (x * 2).sin() * 0.7)[^1];
        AssertClose(tensor(new[] { 7.098798772752313, -0.07944451819116166 }), end, 1e-6, "end");
    }

    /// <summary>
    /// For the network ε = c·x the flow dx̄/dσ̄ = ε, with x̄ = x/α and σ̄ = σ/α, has the solution x̄ ∝ exp(c·asinh σ̄), to compare with.
    /// </summary>
    [Fact]
    public void ItIsCloserToTheTrueFlowThanDdim()
    {
        const double C = 0.9;
        using var scope = NewDisposeScope();
        double ddim = Error(SchedulerKind.Ddim), pndm = Error(SchedulerKind.Pndm);
        Assert.True(pndm < ddim / 3, $"PNDM {pndm:g3}, DDIM {ddim:g3}");

        double Error(SchedulerKind kind)
        {
            using var scheduler = (StableDiffusion with { StepsOffset = 0 }).CreateScheduler(kind, 50);
            NoiseLevel first = scheduler.Noise.Level(scheduler.Timesteps[0]), last = scheduler.Noise.Level(0);
            var truth = last.Alpha / first.Alpha * Math.Exp(C * (Math.Asinh(last.Sigma / last.Alpha) - Math.Asinh(first.Sigma / first.Alpha)));
            var end = SchedulerGoldens.Trajectory(scheduler, ones(1, dtype: float64), x => x * C)[^1];
            return Math.Abs((end.item<double>() / truth) - 1);
        }
    }

    [Fact]
    public void StepsOutOfOrderAreRefusedAndStep0StartsAnew()
    {
        using var scope = NewDisposeScope();
        using var scheduler = StableDiffusion.CreateScheduler(SchedulerKind.Pndm, 5);
        var first = SchedulerGoldens.Trajectory(scheduler, ones(2), x => x.sin());
        Assert.Throws<InvalidOperationException>(() => scheduler.Step(ones(2), 3, ones(2)));
        var again = SchedulerGoldens.Trajectory(scheduler, ones(2), x => x.sin());
        Assert.True(first.equal(again).all().item<bool>());
    }

    [Fact]
    public void ARunMayBeginMidway()
    {
        using var scope = NewDisposeScope();
        using var scheduler = StableDiffusion.CreateScheduler(SchedulerKind.Pndm, 5);
        using var ddim = new DdimScheduler(StableDiffusion, 5);
        Assert.Equal(ddim.Timesteps[1], scheduler.Timesteps[2]);
        // With nothing to look back at, a step is DDIM's.
        AssertClose(ddim.Step(ones(2), 1, ones(2) * 0.5), scheduler.Step(ones(2), 2, ones(2) * 0.5), 1e-5, "first step");
        Assert.Throws<InvalidOperationException>(() => scheduler.Step(ones(2), 2, ones(2)));
        scheduler.Step(ones(2), 3, ones(2));
    }

    [Fact]
    public void ConfigsItCannotFollowAreRefused()
    {
        Assert.Throws<InvalidInputException>(() => (StableDiffusion with { Pndm = new() { SkipPrkSteps = false } }).CreateScheduler(SchedulerKind.Pndm, 5));
        Assert.Throws<InvalidInputException>(() =>
            (StableDiffusion with { Noise = new() { RescaleBetasZeroSnr = true }, TimestepSpacing = TimestepSpacing.Trailing }).CreateScheduler(SchedulerKind.Pndm, 5));
    }
}
