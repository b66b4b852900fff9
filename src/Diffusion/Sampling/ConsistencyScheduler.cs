using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Multistep consistency sampling (Song et al. 2023, "Consistency Models", algorithm 1) whose noise is known beforehand: each step jumps to the x₀ prediction and adds
/// what leads to the next timestep, x′ = α′·x̂₀ + c. A consistency model is sampled at the timesteps of its distillation, any other at those of DDIM.
/// </summary>
internal sealed class ConsistencyScheduler : Scheduler
{
    /// <summary>Prepares a run.</summary>
    /// <param name="config">The scheduler config.</param>
    /// <param name="steps">Number of steps.</param>
    /// <exception cref="InvalidInputException">The number of steps is not possible.</exception>
    public ConsistencyScheduler(SchedulerConfig config, int steps)
        : base(config)
    {
        using Scheduler grid = config.DefaultScheduler == SchedulerKind.Lcm ? new LcmScheduler(config, steps, seed: 0) : new DdimScheduler(config, steps);
        Timesteps = grid.Timesteps;
    }

    /// <summary>The addend c of each step, [steps, channels, h, w]; the caller disposes it.</summary>
    public Tensor? Addends { get; init; }

    /// <inheritdoc/>
    public override Tensor Step(Tensor modelOutput, int step, Tensor sample)
    {
        using var scope = NewDisposeScope();
        var addends = Addends ?? throw new InvalidOperationException("The addends of the steps are unknown.");
        return Scaled(modelOutput, step, sample).Plus(addends.narrow(0, step, 1)).MoveToOuterDisposeScope();
    }

    /// <summary>α′·x̂₀, the part of a step that depends on the prediction.</summary>
    public Tensor Scaled(Tensor modelOutput, int step, Tensor sample)
    {
        using var clean = PredictSample(modelOutput, step, sample);
        return clean * Scalar(Next(step).Alpha);
    }

    /// <summary>The level that a step leads to: without noise after the last.</summary>
    public NoiseLevel Next(int step) => step + 1 < Timesteps.Count ? Level(step + 1) : new NoiseLevel(1, 0);
}
