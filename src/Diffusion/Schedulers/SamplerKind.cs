namespace PromptToPrompt.Diffusion.Schedulers;

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
}
