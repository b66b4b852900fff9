namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The names of the samplers in settings, in model directories and in image metadata.</summary>
internal static class SamplerNames
{
    private static readonly (SamplerKind Kind, string Name, string ClassName, string Label)[] Known =
    [
        (SamplerKind.Ddim, "ddim", "DDIMScheduler", "DDIM"),
        (SamplerKind.Pndm, "pndm", "PNDMScheduler", "PNDM"),
        (SamplerKind.DpmSolverPlusPlus, "dpm++", "DPMSolverMultistepScheduler", "DPM++ 2M"),
        (SamplerKind.Euler, "euler", "EulerDiscreteScheduler", "Euler"),
        (SamplerKind.EulerAncestral, "euler-a", "EulerAncestralDiscreteScheduler", "Euler a"),
        (SamplerKind.Lcm, "lcm", "LCMScheduler", "LCM"),
    ];

    /// <summary>The names that users can enter.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Known.Select(known => known.Name)];

    /// <summary>Finds a sampler by name; case is ignored.</summary>
    /// <exception cref="InvalidInputException">The name is unknown; the message lists the known ones.</exception>
    public static SamplerKind Parse(string name)
    {
        var index = Array.FindIndex(Known, known => known.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        return index >= 0
            ? Known[index].Kind
            : throw new InvalidInputException("Sampler", $"\"{name}\" is unknown.", $"Use {InvalidInputException.AnyOf(All)}.");
    }

    /// <summary>The sampler's name in settings.</summary>
    public static string Name(this SamplerKind kind) => Array.Find(Known, known => known.Kind == kind).Name;

    /// <summary>The sampler's name in image metadata, as other programs write it; see <c>GenerationParameters</c>.</summary>
    public static string Label(this SamplerKind kind) => Array.Find(Known, known => known.Kind == kind).Label;

    /// <summary>Finds the sampler for a <c>_class_name</c> in a scheduler config; null if it is not supported.</summary>
    public static SamplerKind? FromClassName(string? className)
    {
        var index = Array.FindIndex(Known, known => known.ClassName == className);
        return index >= 0 ? Known[index].Kind : null;
    }
}
