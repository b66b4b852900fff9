namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The growth of the noise variances β over the training timesteps.</summary>
internal enum BetaSchedule
{
    /// <summary>β is linear.</summary>
    Linear,

    /// <summary>√β is linear, as in Stable Diffusion.</summary>
    ScaledLinear,

    /// <summary>The cosine schedule, with β at most 0.999 (Nichol and Dhariwal 2021, "Improved Denoising Diffusion Probabilistic Models").</summary>
    SquaredCosine,
}
