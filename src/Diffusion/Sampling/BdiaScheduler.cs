using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Bi-directional integration approximation (Zhang et al. 2023, "Exact Diffusion Inversion via Bi-directional Integration Approximation",
/// arXiv 2307.10829): a DDIM step that also uses the previous sample, which makes it invertible up to rounding.
/// </summary>
/// <remarks>
/// With D and U the DDIM steps from z_k one level down and one level up along the same noise prediction,
/// z_{k−1} = γ·(z_{k+1} − U) + D, and therefore z_{k+1} = (z_{k−1} − D) / γ + U.
/// </remarks>
internal sealed class BdiaScheduler : DdimScheduler
{
    private readonly double gamma;
    private Tensor? before;

    /// <summary>Prepares a run.</summary>
    /// <param name="config">The scheduler config.</param>
    /// <param name="steps">Number of steps, at least 2.</param>
    /// <param name="gamma">Weight of the previous sample, above 0, at most 1; values below 1 are steadier but their inverse amplifies errors.</param>
    /// <param name="before">The sample before the first step taken, if that is not step 0; the caller disposes it.</param>
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
    /// <param name="sample">z_k, the input of the step.</param>
    /// <param name="after">z_{k−1}, the result of the step.</param>
    /// <returns>z_{k+1}, the input of step − 1.</returns>
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
