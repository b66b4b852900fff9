namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>Which training timesteps a run visits (names as in Lin et al. 2024, "Common Diffusion Noise Schedules and Sample Steps are Flawed", table 2).</summary>
public enum TimestepSpacing
{
    /// <summary>Whole-number strides from 0 upwards, plus an offset; the last timestep is not reached.</summary>
    Leading,

    /// <summary>Strides from the last timestep downwards; 0 is not reached.</summary>
    Trailing,

    /// <summary>Evenly from 0 to the last timestep, both included.</summary>
    Linspace,
}
