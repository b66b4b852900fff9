using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// The signal and noise shares of a noisy sample x_t = α·x_0 + σ·ε, with α² + σ² = 1.
/// </summary>
/// <param name="Alpha">Share of the clean sample, 0 to 1.</param>
/// <param name="Sigma">Share of the noise, 0 to 1.</param>
internal readonly record struct NoiseLevel(double Alpha, double Sigma)
{
    /// <summary>Half the log signal-to-noise ratio, log(α/σ); infinite without noise.</summary>
    public double Lambda => Math.Log(Alpha) - Math.Log(Sigma);

    /// <summary>The level for ᾱ_t = α², the form that diffusion models store (<c>alphas_cumprod</c>).</summary>
    public static NoiseLevel FromAlphaCumprod(double alphaCumprod) => new(Math.Sqrt(alphaCumprod), Math.Sqrt(1 - alphaCumprod));

    /// <summary>The level for a ratio σ/α, the variable of ODE solvers (Karras et al. 2022).</summary>
    public static NoiseLevel FromRatio(double ratio)
    {
        var alpha = 1 / Math.Sqrt((ratio * ratio) + 1);
        return new NoiseLevel(alpha, ratio * alpha);
    }

    /// <summary>Noises a clean sample to this level: α·x_0 + σ·ε.</summary>
    public Tensor AddNoise(Tensor sample, Tensor noise)
    {
        using var scope = NewDisposeScope();
        return (sample * Scalar(Alpha)).Plus(noise * Scalar(Sigma)).MoveToOuterDisposeScope();
    }

    /// <summary>The training target of a network for a clean sample x_0 noised to this level; the caller disposes it.</summary>
    /// <param name="type">The network's prediction type.</param>
    /// <param name="sample">The clean sample x_0.</param>
    /// <param name="noise">The added noise ε.</param>
    public Tensor Target(PredictionType type, Tensor sample, Tensor noise)
    {
        using var scope = NewDisposeScope();
        var target = type switch
        {
            PredictionType.Epsilon => noise.alias(),
            PredictionType.VPrediction => (noise * Scalar(Alpha)) - (sample * Scalar(Sigma)),
            _ => sample.alias(),
        };
        return target.MoveToOuterDisposeScope();
    }

    /// <summary>Converts a network's output to the x₀ prediction.</summary>
    /// <param name="type">The network's prediction type.</param>
    /// <param name="modelOutput">The network's output.</param>
    /// <param name="sample">The noisy sample x_t at this level.</param>
    public Tensor PredictSample(PredictionType type, Tensor modelOutput, Tensor sample)
    {
        using var scope = NewDisposeScope();
        var clean = type switch
        {
            PredictionType.Epsilon => (sample - (modelOutput * Scalar(Sigma))) / Scalar(Alpha),
            PredictionType.VPrediction => (sample * Scalar(Alpha)) - (modelOutput * Scalar(Sigma)),
            _ => modelOutput.alias(),
        };
        return clean.MoveToOuterDisposeScope();
    }

    /// <summary>Converts a network's output to the predicted noise ε; parameters as in <see cref="PredictSample"/>.</summary>
    public Tensor PredictNoise(PredictionType type, Tensor modelOutput, Tensor sample)
    {
        using var scope = NewDisposeScope();
        var noise = type switch
        {
            PredictionType.Epsilon => modelOutput.alias(),
            PredictionType.VPrediction => (modelOutput * Scalar(Alpha)).Plus(sample * Scalar(Sigma)),
            _ => (sample - (modelOutput * Scalar(Alpha))) / Scalar(Sigma),
        };
        return noise.MoveToOuterDisposeScope();
    }
}
