namespace PromptToPrompt.Studio.Drafts;

/// <summary>A word, or a phrase, of an edit that is being thought out.</summary>
/// <param name="Source">The word of the source's prompt in this place; null for one that was added.</param>
/// <param name="Text">What stands there now; null for a word that was taken out.</param>
public sealed record DraftWord(string? Source, string? Text)
{
    /// <summary>How strongly it speaks; 1 is as ever.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>When it follows the source, as 0.8 or 0.1..0.6; null for as long as all others.</summary>
    public string? Steps { get; init; }

    /// <summary>Whether the edit is confined to its place.</summary>
    public bool Confines { get; init; }

    /// <summary>Whether another word, or phrase, stands there now.</summary>
    public bool IsSwapped => Source is not null && Text is not null && Source != Text;

    /// <summary>Whether it was added.</summary>
    public bool IsNew => Source is null;

    /// <summary>Whether it was taken out.</summary>
    public bool IsRemoved => Text is null;

    /// <summary>How many words of the edited prompt it is.</summary>
    public int Count => Text is null ? 0 : Draft.Split(Text).Length;
}
