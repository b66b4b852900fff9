namespace PromptToPrompt.Editing.Methods;

/// <summary>
/// Prompt-to-Prompt (Hertz et al. 2022, arXiv 2208.01626), the default: the edit takes cross-attention of its source, word by word, and self-attention of
/// small layers. Its options are those of the edit itself (weights, windows, alignment), because it is the only method that reads them.
/// </summary>
public sealed record PromptToPromptMethod : EditMethod
{
    /// <inheritdoc/>
    public override string Name => "p2p";

    internal override string UsualInversion => "null-text";
}
