using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Bi-directional integration approximation (Zhang et al. 2023, "Exact Diffusion Inversion via Bi-directional Integration Approximation",
/// arXiv 2307.10829): DDIM whose step also looks back at the sample before, which makes it invertible up to rounding.
/// </summary>
/// <remarks>
/// With D and U the DDIM moves from z_k one level down and one level up along the same noise prediction,
/// z_{k−1} = γ·(z_{k+1} − U) + D, and so z_{k+1} = (z_{k−1} − D) / γ + U.
/// </remarks>
internal sealed class BdiaScheduler : DdimScheduler
{
    private readonly double gamma;
    private Tensor? before;

    /// <summary>Prepares a run.</summary>
    /// <param name="config">The model's schedule.</param>
    /// <param name="steps">Number of steps, at least 2.</param>
    /// <param name="gamma">How much a step looks back, above 0 to 1; below 1 it is steadier and its inverse amplifies errors.</param>
    /// <param name="before">The sample before the first step that is taken, where that is not step 0; it stays the caller's.</param>
    public BdiaScheduler(SchedulerConfig config, int steps, double gamma = 1, Tensor? before = null)
        : base(config, steps)
    {
        this.gamma = gamma;
        this.before = before?.alias().DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Step(Tensor modelOutput, int step, Tensor sample)
    {
        using var scope = NewDisposeScope();
        var down = base.Step(modelOutput, step, sample);
        var next = step == 0 || before is null ? down : (Scalar(gamma) * (before - Up(modelOutput, step, sample))).Plus(down);
        before?.Dispose();
        before = sample.alias().DetachFromDisposeScope();
        return next.MoveToOuterDisposeScope();
    }

    /// <summary>Undoes a step.</summary>
    /// <param name="modelOutput">The network's output for <paramref name="sample"/> at <c>Timesteps[step]</c>.</param>
    /// <param name="step">The step that led from <paramref name="sample"/> to <paramref name="after"/>, above 0.</param>
    /// <param name="sample">z_k, the sample that the step was given.</param>
    /// <param name="after">z_{k−1}, what the step made of it.</param>
    /// <returns>z_{k+1}, the sample that step − 1 was given.</returns>
    public Tensor UndoStep(Tensor modelOutput, int step, Tensor sample, Tensor after)
    {
        using var scope = NewDisposeScope();
        return Up(modelOutput, step, sample).Plus((after - base.Step(modelOutput, step, sample)) / Scalar(gamma)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        before?.Dispose();
        base.Dispose();
    }

    private Tensor Up(Tensor modelOutput, int step, Tensor sample)
        => Level(step - 1).AddNoise(PredictSample(modelOutput, step, sample), PredictNoise(modelOutput, step, sample));
}
