namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The quantity that a denoising network predicts from x_t = α·x_0 + σ·ε.</summary>
public enum PredictionType
{
    /// <summary>The noise ε (Ho et al. 2020, "Denoising Diffusion Probabilistic Models").</summary>
    Epsilon,

    /// <summary>The velocity v = α·ε − σ·x_0 (Salimans and Ho 2022, "Progressive Distillation for Fast Sampling").</summary>
    VPrediction,

    /// <summary>The clean sample x_0.</summary>
    Sample,
}
