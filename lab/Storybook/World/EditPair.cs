namespace PromptToPrompt.Storybook.World;

/// <summary>
/// A prompt and its edit, with the scenes they describe. The scenes share their layout and differ in one slot
/// (in none for <see cref="EditKind.Reweight"/>).
/// </summary>
public sealed record EditPair
{
    /// <summary>What the edit changes.</summary>
    public required EditKind Kind { get; init; }

    /// <summary>The scene of the source prompt.</summary>
    public required Scene Source { get; init; }

    /// <summary>The scene of the target prompt.</summary>
    public required Scene Target { get; init; }

    /// <summary>The source prompt, in canonical wording.</summary>
    public required string SourcePrompt { get; init; }

    /// <summary>The target prompt, in canonical wording.</summary>
    public required string TargetPrompt { get; init; }

    /// <summary>The naming words that only the source prompt has; empty where a phrase is added.</summary>
    public required IReadOnlyList<string> SourceWords { get; init; }

    /// <summary>The naming words that only the target prompt has; empty for a re-weighting.</summary>
    public required IReadOnlyList<string> TargetWords { get; init; }

    /// <summary>The word to re-weight; null for other kinds.</summary>
    public string? Word { get; init; }
}
