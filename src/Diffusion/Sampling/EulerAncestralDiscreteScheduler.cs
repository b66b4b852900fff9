using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Euler's method with ancestral sampling: each step goes below the target noise level and adds noise to return to it, with DDPM's variance
/// (Song et al. 2020, "Score-Based Generative Modeling through Stochastic Differential Equations", in the form of the k-diffusion code). The
/// scheduler for adversarially distilled few-step models ("Turbo").
/// </summary>
/// <param name="config">The scheduler config.</param>
/// <param name="steps">Number of steps.</param>
/// <param name="seed">Seed of the added noise.</param>
/// <exception cref="InvalidInputException">The number of steps is not possible.</exception>
internal sealed class EulerAncestralDiscreteScheduler(SchedulerConfig config, int steps, ulong seed) : EulerDiscreteScheduler(config, steps)
{
    private readonly StepNoise noise = new(seed);

    /// <inheritdoc/>
    public override Tensor Step(Tensor modelOutput, int step, Tensor sample)
    {
        using var scope = NewDisposeScope();
        var (from, to) = (Sigmas[step], Sigmas[step + 1]);
        var up = Math.Sqrt(to * to * ((from * from) - (to * to))) / from;
        var down = Math.Sqrt((to * to) - (up * up));
        var slope = (sample - PredictSample(modelOutput, step, sample)) / Scalar(from);
        var lower = sample.Plus(slope * Scalar(down - from));
        return (up > 0 ? lower.Plus(noise.Of(step, sample) * Scalar(up)) : lower).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        noise.Dispose();
        base.Dispose();
    }
}
