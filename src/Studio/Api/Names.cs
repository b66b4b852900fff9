using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Studio.Api;

/// <summary>Limits for requests.</summary>
internal static class Names
{
    /// <summary>Maximum number of pictures in a grid.</summary>
    public const int MaxInGrid = 100;

    private const int Longest = 120;

    /// <summary>Validates a project's name.</summary>
    /// <exception cref="InvalidInputException">It is empty or too long.</exception>
    public static string Project(string? name) => name?.Trim() is { Length: > 0 and <= Longest } good ? good
        : throw new InvalidInputException("Name", name is { Length: > 0 } ? $"It has {name.Length} characters." : "It is empty.", $"Use 1 to {Longest} characters.");
}
