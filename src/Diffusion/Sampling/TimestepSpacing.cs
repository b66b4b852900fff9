namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The spacing of a run's timesteps (names as in Lin et al. 2024, "Common Diffusion Noise Schedules and Sample Steps are Flawed", table 2).</summary>
public enum TimestepSpacing
{
    /// <summary>Integer strides from 0 upwards, plus an offset; does not reach the last timestep.</summary>
    Leading,

    /// <summary>Strides from the last timestep downwards; does not reach 0.</summary>
    Trailing,

    /// <summary>Evenly from 0 to the last timestep, both included.</summary>
    Linspace,
}
