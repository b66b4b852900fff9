using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Euler's method with ancestral sampling: each step goes further down than it should and noise is added to come back up, as much as DDPM has
/// (Song et al. 2020, "Score-Based Generative Modeling through Stochastic Differential Equations", in the form of the k-diffusion code). The
/// sampler of models that were distilled to few steps by adversaries ("Turbo").
/// </summary>
/// <param name="config">The model's noise.</param>
/// <param name="steps">Number of steps.</param>
/// <param name="seed">Seed of the noise that is added.</param>
/// <exception cref="InvalidInputException">So many steps are not possible.</exception>
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
