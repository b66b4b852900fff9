namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The two second-order forms of DPM-Solver (Lu et al. 2022).</summary>
internal enum SolverType
{
    /// <summary>The midpoint rule.</summary>
    Midpoint,

    /// <summary>Heun's rule.</summary>
    Heun,
}
