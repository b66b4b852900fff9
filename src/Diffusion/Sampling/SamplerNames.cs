namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The names of <see cref="SamplerKind"/>s that users write, in model directories and in the texts of pictures.</summary>
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

    /// <summary>The names a user may type.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Known.Select(known => known.Name)];

    /// <summary>The sampler of a name that a user wrote, in any case.</summary>
    /// <exception cref="InvalidInputException">There is none of that name; the message lists those there are.</exception>
    public static SamplerKind Parse(string name)
    {
        var index = Array.FindIndex(Known, known => known.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        return index >= 0
            ? Known[index].Kind
            : throw new InvalidInputException("Sampler", $"\"{name}\" is unknown.", $"Use {InvalidInputException.AnyOf(All)}.");
    }

    /// <summary>The name of a sampler that users write.</summary>
    public static string Name(this SamplerKind kind) => Array.Find(Known, known => known.Kind == kind).Name;

    /// <summary>What other programs call a sampler in the texts of pictures; see <see cref="Diffusion.Images.GenerationParameters"/>.</summary>
    public static string Label(this SamplerKind kind) => Array.Find(Known, known => known.Kind == kind).Label;

    /// <summary>The sampler of a <c>_class_name</c> in a scheduler config, or null where this library does not have it.</summary>
    public static SamplerKind? FromClassName(string? className)
    {
        var index = Array.FindIndex(Known, known => known.ClassName == className);
        return index >= 0 ? Known[index].Kind : null;
    }
}
