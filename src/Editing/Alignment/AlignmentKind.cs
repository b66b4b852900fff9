namespace PromptToPrompt.Editing.Alignment;

/// <summary>How the tokens of an edited prompt are matched with the tokens of its source prompt.</summary>
public enum AlignmentKind
{
    /// <summary>Word spans of any two prompts, of any lengths: see <see cref="AutoAlignment"/>.</summary>
    Auto,

    /// <summary>Word for word; both prompts have the same number of words: see <see cref="ReplaceAlignment"/>.</summary>
    Replace,

    /// <summary>Token for token; what only the target says is new: see <see cref="RefineAlignment"/>.</summary>
    Refine,

    /// <summary>Position for position, whatever stands there (an experiment): see <see cref="NaiveAlignment"/>.</summary>
    Naive,
}
