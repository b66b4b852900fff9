using CsCheck;
using PromptToPrompt.Diffusion.Sampling;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

public sealed class DdimSchedulerTests
{
    private const double Tolerance = 2e-6;

    [Fact]
    public void StepsAndInverseStepsAreTheReferences()
    {
        using var scope = NewDisposeScope();
        using var goldens = new SchedulerGoldens("ddim");
        Tensor sample = goldens["sample"], output = goldens["model_output"];
        var compared = 0;
        foreach (var test in goldens.Cases("ddim_step").Concat(goldens.Cases("nullinversion_step")))
        {
            using var scheduler = SchedulerGoldens.Config(goldens.Base, test).CreateScheduler(SchedulerKind.Ddim, (int)test["num_steps"]!);
            var ddim = (DdimScheduler)scheduler;
            var step = ddim.Timesteps.ToList().IndexOf((long)test["t"]!);
            foreach (var name in test["tensors"]!.AsArray().Select(tensor => (string)tensor!))
            {
                var actual = name[(name.LastIndexOf('.') + 1)..] switch
                {
                    "next" => ddim.InverseStep(output, step, sample),
                    "x0" => ddim.PredictSample(output, step, sample),
                    _ => ddim.Step(output, step, sample),
                };
                AssertClose(goldens[name], actual, Tolerance, name);
                compared++;
            }
        }
        Assert.Equal(36 + 36 + 36, compared);
    }

    [Fact]
    public void EverySpacingOffsetAndRescalingIsTheReferences()
    {
        using var scope = NewDisposeScope();
        using var goldens = new SchedulerGoldens("new");
        Tensor sample = goldens["sample"], output = goldens["model_output"];
        var compared = 0;
        foreach (var test in goldens.Cases("ddim"))
        {
            var key = (string)test["key"]!;
            using var scheduler = SchedulerGoldens.Config(goldens.Base, test).CreateScheduler(SchedulerKind.Ddim, (int)test["num_steps"]!);
            Assert.Equal(goldens.Integers($"{key}.timesteps"), scheduler.Timesteps);
            foreach (var step in test["indices"]!.AsArray().Select(index => (int)index!))
            {
                AssertClose(goldens[$"{key}.i{step}.prev"], scheduler.Step(output, step, sample), Tolerance, $"{key} step {step}");
                compared++;
            }
        }
        Assert.Equal(135, compared);
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(1, 10)]
    [InlineData(0, 20)]
    [InlineData(1, 20)]
    [InlineData(0, 50)]
    [InlineData(1, 50)]
    public void TimestepsAreTheReferences(int offset, int steps)
    {
        using var goldens = new SchedulerGoldens("ddim");
        using var scheduler = (SchedulerGoldens.Config(goldens.Base) with { StepsOffset = offset }).CreateScheduler(SchedulerKind.Ddim, steps);
        Assert.Equal(goldens.Integers($"timesteps.off{offset}.n{steps}"), scheduler.Timesteps);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(20)]
    public void AWholeRunIsTheReferences(int steps)
    {
        using var scope = NewDisposeScope();
        using var goldens = new SchedulerGoldens("ddim");
        using var scheduler = (SchedulerGoldens.Config(goldens.Base) with { StepsOffset = 1 }).CreateScheduler(SchedulerKind.Ddim, steps);
        var trajectory = SchedulerGoldens.Trajectory(scheduler, goldens["sample"], x => x * 0.1);
        AssertClose(goldens[$"traj.eps0.1x.n{steps}"], trajectory, 1e-5, "trajectory");
    }

    // The network's output at the sample that a step leaves is all that the inverse needs to come back there, whatever the network predicts.
    [Theory]
    [InlineData(PredictionType.Epsilon)]
    [InlineData(PredictionType.VPrediction)]
    [InlineData(PredictionType.Sample)]
    public void TheInverseStepUndoesAStepWithTheOutputAtItsResult(PredictionType type)
    {
        using var scope = NewDisposeScope();
        using var ddim = new DdimScheduler(new SchedulerConfig { PredictionType = type }, 8);
        using var random = new Generator(4);
        for (var step = 0; step < 8; step++)
        {
            Tensor sample = randn([1, 4, 5, 3], generator: random), output = randn([1, 4, 5, 3], generator: random);
            AssertClose(sample, ddim.InverseStep(output, step, ddim.Step(output, step, sample), evaluated: sample), 1e-4, $"step {step}");
        }
    }

    [Fact]
    public void TheInverseStepUndoesAStepWithTheSameNoise()
    {
        Gen.Select(Gen.Int[1, 100], Gen.Int[0, 1], Gen.Bool, Gen.Enum<TimestepSpacing>(), Gen.Long[0, long.MaxValue]).Sample(
            (steps, offset, toOne, spacing, seed) =>
            {
                using var scope = NewDisposeScope();
                var config = new SchedulerConfig
                {
                    Noise = new() { BetaStart = 0.00085, BetaEnd = 0.012, BetaSchedule = BetaSchedule.ScaledLinear },
                    StepsOffset = offset,
                    Ddim = new() { SetAlphaToOne = toOne },
                    TimestepSpacing = spacing,
                };
                using var ddim = new DdimScheduler(config, steps);
                using var generator = new Generator((ulong)seed);
                Tensor sample = randn([2, 4, 3, 3], generator: generator), noise = randn([2, 4, 3, 3], generator: generator);
                for (var step = 0; step < steps; step += Math.Max(1, steps / 5))
                {
                    var back = ddim.InverseStep(noise, step, ddim.Step(noise, step, sample));
                    AssertClose(sample, back, 2e-5, $"step {step} of {steps}");
                }
            },
            iter: 100,
            threads: 1);
    }

    [Fact]
    public void ClippingBoundsThePredictedSample()
    {
        using var scope = NewDisposeScope();
        var config = new SchedulerConfig { Ddim = new() { ClipSample = true, ClipSampleRange = 0.5, SetAlphaToOne = true } };
        using var ddim = new DdimScheduler(config, 10);
        var last = ddim.Timesteps.Count - 1;
        var result = ddim.Step(zeros(1), last, tensor(new[] { 3f }));
        Assert.Equal(0.5f, result.item<float>(), 1e-6f);
    }

    [Fact]
    public void PredictingNoiseFromPureNoiseIsRefused()
    {
        var config = new SchedulerConfig { Noise = new() { RescaleBetasZeroSnr = true }, TimestepSpacing = TimestepSpacing.Trailing };
        Assert.Throws<InvalidInputException>(() => config.CreateScheduler(SchedulerKind.Ddim, 10));
        using var leading = (config with { TimestepSpacing = TimestepSpacing.Leading }).CreateScheduler(SchedulerKind.Ddim, 10);
        Assert.Equal(900, leading.Timesteps[0]);
    }
}
