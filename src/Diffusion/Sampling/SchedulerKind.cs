namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The supported sampling algorithms.</summary>
public enum SchedulerKind
{
    /// <summary>Deterministic DDIM (<see cref="DdimScheduler"/>); the only scheduler that can be inverted.</summary>
    Ddim,

    /// <summary>Pseudo linear multistep (<see cref="PndmScheduler"/>), the default of Stable Diffusion 1.x.</summary>
    Pndm,

    /// <summary>DPM-Solver++ (<see cref="DpmSolverMultistepScheduler"/>): good images in 20 to 25 steps.</summary>
    DpmSolverPlusPlus,

    /// <summary>Euler's method (<see cref="EulerDiscreteScheduler"/>), the default of SDXL.</summary>
    Euler,

    /// <summary>Ancestral Euler (<see cref="EulerAncestralDiscreteScheduler"/>), the default of the Turbo models; adds noise at each step.</summary>
    EulerAncestral,

    /// <summary>Latent consistency sampling (<see cref="LcmScheduler"/>), for latent consistency models and LoRAs; adds noise at each step.</summary>
    Lcm,
}
