namespace PromptToPrompt.Studio.Drafts;

/// <summary>A word or phrase of a draft.</summary>
/// <param name="Source">The source's word in this place; null for an added word.</param>
/// <param name="Text">The current text; null for a removed word.</param>
public sealed record DraftWord(string? Source, string? Text)
{
    /// <summary>Weight: 1 = unchanged, 0 = ignored, negative = inverted.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>Time window, such as 0.8 or 0.1..0.6; null for the common one.</summary>
    public string? Steps { get; init; }

    /// <summary>Whether the edit is confined to its region.</summary>
    public bool Confines { get; init; }

    /// <summary>Whether it was swapped.</summary>
    public bool IsSwapped => Source is not null && Text is not null && Source != Text;

    /// <summary>Whether it was added.</summary>
    public bool IsNew => Source is null;

    /// <summary>Whether it was removed.</summary>
    public bool IsRemoved => Text is null;

    /// <summary>Whether it can have a region of its own in the picture; words such as "with" have none.</summary>
    public bool HasRegion => Text is not null && FunctionWords.HasOther(Text);

    /// <summary>Number of words in the edited prompt.</summary>
    public int Count => Text is null ? 0 : Draft.Split(Text).Length;
}
