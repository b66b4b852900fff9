namespace PromptToPrompt.Editing.Alignment;

/// <summary>How the tokens of an edited prompt are matched with the tokens of its source prompt.</summary>
public enum AlignmentKind
{
    /// <summary>Matches word spans of two prompts of any length: see <see cref="AutoAlignment"/>.</summary>
    Auto,

    /// <summary>Word by word; both prompts must have the same number of words: see <see cref="ReplaceAlignment"/>.</summary>
    Replace,

    /// <summary>Token by token; tokens found only in the target are new: see <see cref="RefineAlignment"/>.</summary>
    Refine,

    /// <summary>Position by position, regardless of the words (experimental): see <see cref="NaiveAlignment"/>.</summary>
    Naive,
}
