using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// SDE-DPM-Solver++ of second order (Lu et al. 2022, arXiv 2211.01095, the SDE form of its multistep solver) with known noise, at the timesteps and levels of DDIM.
/// Its step of first order is DDPM's, which is DDIM's with η = 1. With x̂_0 of this step and the one before, h and h_1 the steps in λ = log(α/σ) that follow
/// them, the second order adds to its mean
/// <code>
/// ½·α′·(1 − e^(−2h))·(h/h_1)·(x̂_0 − x̂_0 of the step before)
/// </code>
/// with α′ of the level that the step leads to.
/// </summary>
internal sealed class SdeDpmSolverScheduler : DdimScheduler
{
    private readonly StepHistory samples = new(2);

    /// <inheritdoc cref="DdimScheduler(SchedulerConfig, int)"/>
    public SdeDpmSolverScheduler(SchedulerConfig config, int steps)
        : base(config, steps) => Eta = 1;

    /// <summary>The first step of the runs that edits take; it is of first order also in runs from step 0, so that both agree.</summary>
    public int FirstStep { get; init; }

    /// <inheritdoc/>
    public override Tensor Mean(Tensor modelOutput, int step, Tensor sample)
    {
        samples.Begin(step);
        using var scope = NewDisposeScope();
        var mean = base.Mean(modelOutput, step, sample);
        samples.Push(PredictSample(modelOutput, step, sample));
        var to = Previous(step);
        // The last step is long in λ, or has no end there, so it is of first order.
        if (step <= FirstStep || step == Timesteps.Count - 1)
            return mean.MoveToOuterDisposeScope();
        var (h, earlier) = (to.Lambda - Level(step).Lambda, Level(step).Lambda - Level(step - 1).Lambda);
        var curvature = -0.5 * to.Alpha * double.ExpM1(-2 * h) * h / earlier;
        return mean.Plus((samples[0] - samples[1]) * Scalar(curvature)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        samples.Dispose();
        base.Dispose();
    }
}
