namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The sampling algorithms this library has.</summary>
public enum SamplerKind
{
    /// <summary>Deterministic DDIM (<see cref="DdimScheduler"/>); the one that can be inverted.</summary>
    Ddim,

    /// <summary>Pseudo linear multistep (<see cref="PndmScheduler"/>), Stable Diffusion 1.x's own.</summary>
    Pndm,

    /// <summary>DPM-Solver++ (<see cref="DpmSolverMultistepScheduler"/>): good pictures in 20 to 25 steps.</summary>
    DpmSolverPlusPlus,

    /// <summary>Euler's method (<see cref="EulerDiscreteScheduler"/>), SDXL's own.</summary>
    Euler,

    /// <summary>Ancestral Euler (<see cref="EulerAncestralDiscreteScheduler"/>), that of the Turbo models; adds noise at each step.</summary>
    EulerAncestral,

    /// <summary>Latent consistency sampling (<see cref="LcmScheduler"/>), for models and LoRAs distilled so; adds noise at each step.</summary>
    Lcm,
}
