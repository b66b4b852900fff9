using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Evaluation.Experiments;

/// <summary>One way to make each edit of an experiment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Request">The request of an edit.</param>
internal sealed record Variation(string Name, Func<DrawnEdit, EditRequest> Request)
{
    /// <summary>How the drawing is inverted. The default's source is exact.</summary>
    public InversionMethod Inversion { get; init; } = new DirectInversion();

    /// <summary>Guidance of the edits; null for that of the experiment.</summary>
    public double? Guidance { get; init; }

    /// <summary>The prompt by which an edit's drawing is inverted; null for its caption.</summary>
    public Func<DrawnEdit, string>? SourcePrompt { get; init; }
}
