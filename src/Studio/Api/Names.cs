using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Studio.Api;

/// <summary>Bounds of what programs send.</summary>
internal static class Names
{
    /// <summary>Most pictures of a grid.</summary>
    public const int MaxInGrid = 24;

    private const int Longest = 120;

    /// <summary>A project's name, checked.</summary>
    /// <exception cref="InvalidInputException">It is empty or too long.</exception>
    public static string Project(string? name) => name?.Trim() is { Length: > 0 and <= Longest } good ? good
        : throw new InvalidInputException("Name", name is { Length: > 0 } ? $"It has {name.Length} characters." : "It is empty.", $"Use 1 to {Longest} characters.");
}
