namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>How the noise variances β grow over the training timesteps.</summary>
public enum BetaSchedule
{
    /// <summary>β is linear.</summary>
    Linear,

    /// <summary>√β is linear; Stable Diffusion's choice.</summary>
    ScaledLinear,

    /// <summary>The cosine schedule, with β at most 0.999 (Nichol and Dhariwal 2021, "Improved Denoising Diffusion Probabilistic Models").</summary>
    SquaredCosine,
}
