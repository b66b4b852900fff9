using PromptToPrompt.Diffusion.Sampling;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

public sealed class DpmSolverMultistepSchedulerTests
{
    [Fact]
    public void TimestepsNoiseLevelsAndRunsAreTheReferences()
    {
        using var scope = NewDisposeScope();
        using var goldens = new SchedulerGoldens("new");
        var networks = new Dictionary<string, Func<Tensor, Tensor>> { ["eps0.1x"] = x => x * 0.1, ["sin"] = x => (x * 2).sin() * 0.7 };
        var runs = 0;
        foreach (var test in goldens.Cases("dpm"))
        {
            var steps = (int)test["num_steps"]!;
            var key = $"dpm.{test["name"]}.n{steps}";
            using var scheduler = SchedulerGoldens.Config(test["config"]!.AsObject()).CreateScheduler(SchedulerKind.DpmSolverPlusPlus, steps);
            Assert.Equal(goldens.Integers($"{key}.timesteps"), scheduler.Timesteps);
            var sigmas = tensor(((DpmSolverMultistepScheduler)scheduler).Sigmas.Select(sigma => (float)sigma).ToArray());
            AssertClose(goldens[$"{key}.sigmas"], sigmas, 1e-6, $"{key} sigmas");
            foreach ((var name, var network) in networks)
            {
                if (!goldens.Has($"{key}.traj.{name}"))
                    continue;
                var trajectory = SchedulerGoldens.Trajectory(scheduler, goldens["sample"], network);
                AssertClose(goldens[$"{key}.traj.{name}"], trajectory, 1e-4, $"{key} {name}");
                runs++;
            }
        }
        Assert.Equal(24, runs);
    }

    [Fact]
    public void ALastStepBetweenEqualNoiseLevelsChangesNothing()
    {
        using var scope = NewDisposeScope();
        foreach (var solver in Enum.GetValues<SolverType>())
        {
            var config = new SchedulerConfig { DpmSolver = new() { UseKarrasSigmas = true, SolverType = solver } };
            using var scheduler = config.CreateScheduler(SchedulerKind.DpmSolverPlusPlus, 20);
            var trajectory = SchedulerGoldens.Trajectory(scheduler, ones(3), x => x.sin());
            AssertClose(trajectory[^2], trajectory[^1], 1e-6, $"{solver}");
        }
    }

    [Fact]
    public void EndingWithoutNoiseGivesThePredictedSample()
    {
        using var scope = NewDisposeScope();
        using var scheduler = new SchedulerConfig { DpmSolver = new() { FinalSigmaIsZero = true } }.CreateScheduler(SchedulerKind.DpmSolverPlusPlus, 20);
        var trajectory = SchedulerGoldens.Trajectory(scheduler, ones(3), x => x * 0.3);
        var before = trajectory[^2];
        AssertClose(scheduler.PredictSample(before * 0.3, 19, before), trajectory[^1], 1e-6, "end");
    }

    [Fact]
    public void FormsThatAreNotImplementedAreRefused()
    {
        Assert.Throws<InvalidInputException>(() => new SchedulerConfig { DpmSolver = new() { AlgorithmType = "sde-dpmsolver++" } }.CreateScheduler(SchedulerKind.DpmSolverPlusPlus, 20));
        Assert.Throws<InvalidInputException>(() => new SchedulerConfig { DpmSolver = new() { SolverOrder = 3 } }.CreateScheduler(SchedulerKind.DpmSolverPlusPlus, 20));
    }
}
