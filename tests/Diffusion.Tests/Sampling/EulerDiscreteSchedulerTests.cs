using PromptToPrompt.Diffusion.Sampling;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

public sealed class EulerDiscreteSchedulerTests
{
    [Fact]
    public void TimestepsNoiseLevelsAndRunsAreTheReferences()
    {
        using var scope = NewDisposeScope();
        using var goldens = new SchedulerGoldens("new");
        var runs = 0;
        foreach (var test in goldens.Cases("euler"))
        {
            var steps = (int)test["num_steps"]!;
            var config = SchedulerGoldens.Config(goldens.Base) with { TimestepSpacing = TimestepSpacing.Leading, StepsOffset = 1 };
            using var euler = (EulerDiscreteScheduler)config.CreateScheduler(SchedulerKind.Euler, steps);
            Assert.Equal(goldens.Integers($"euler.n{steps}.timesteps"), euler.Timesteps);
            AssertClose(
                goldens[$"euler.n{steps}.sigmas"], tensor(euler.Sigmas.Select(sigma => (float)sigma).ToArray()), 1e-6, "sigmas");
            Assert.Equal((double)test["init_noise_sigma"]!, euler.InitialNoiseSigma, 1e-5);
            var trajectory = SchedulerGoldens.Trajectory(euler, goldens["sample"] * euler.InitialNoiseSigma, x => x * 0.1);
            AssertClose(goldens[$"euler.n{steps}.traj"], trajectory, 1e-5, $"{steps} steps");
            runs++;
        }
        Assert.Equal(2, runs);
    }

    [Fact]
    public void KarrasLevelsKeepTheEndsAndFall()
    {
        using var scheduler = new SchedulerConfig { Euler = new() { UseKarrasSigmas = true } }.CreateScheduler(SchedulerKind.Euler, 20);
        var euler = (EulerDiscreteScheduler)scheduler;
        Assert.Equal(euler.Noise.Ratio(999), euler.Sigmas[0], 1e-9);
        Assert.Equal(0, euler.Sigmas[^1]);
        Assert.All(Enumerable.Range(1, 20), i => Assert.True(euler.Sigmas[i] < euler.Sigmas[i - 1]));
        Assert.Equal(999, euler.Timesteps[0]);
        Assert.Equal(0, euler.Timesteps[^1]);
    }

    [Fact]
    public void VelocityAndNoisePredictionsOfOneTruthStepAlike()
    {
        using var scope = NewDisposeScope();
        Tensor clean = randn(40, generator: new Generator(1)), noise = randn(40, generator: new Generator(2));
        var config = new SchedulerConfig { TimestepSpacing = TimestepSpacing.Leading };
        using var byNoise = config.CreateScheduler(SchedulerKind.Euler, 10);
        using var byVelocity = (config with { PredictionType = PredictionType.VPrediction }).CreateScheduler(SchedulerKind.Euler, 10);
        var level = byNoise.Noise.Level(byNoise.Timesteps[3]);
        Tensor velocity = (noise * level.Alpha) - (clean * level.Sigma), noisy = byNoise.AddNoise(clean, noise, byNoise.Timesteps[3]);
        AssertClose(byNoise.Step(noise, 3, noisy), byVelocity.Step(velocity, 3, noisy), 1e-5, "step");
    }
}
