namespace PromptToPrompt.Diffusion.Text;

/// <summary>A prompt as the text encoder sees it, and which words its tokens belong to.</summary>
/// <param name="Text">The prompt as it was written.</param>
/// <param name="Ids">Token ids, padded and truncated to the model's length (77): start, prompt, end, padding; of a long prompt several such windows.</param>
/// <param name="Tokens">The text of each token up to and including the last end token; position 0 is the start token.</param>
/// <param name="Words">The words of the prompt in order, without those that were truncated.</param>
/// <param name="Truncated">The words that fell off the end of the model's length; empty when the prompt fits.</param>
public sealed record TokenizedPrompt(
    string Text,
    IReadOnlyList<int> Ids,
    IReadOnlyList<string> Tokens,
    IReadOnlyList<PromptWord> Words,
    IReadOnlyList<string> Truncated)
{
    /// <summary>Number of tokens without the padding behind them: start, prompt and end.</summary>
    public int Length => Tokens.Count;

    /// <summary>Position of each window's end token. There is one window, but for prompts that were made longer.</summary>
    public IReadOnlyList<int> Ends { get; init; } = [Tokens.Count - 1];

    /// <summary>Number of tokens of each window.</summary>
    public int ChunkLength => Ids.Count / Ends.Count;

    /// <summary>How strongly each token speaks, one number for each of <see cref="Ids"/>; null where all do alike.</summary>
    public IReadOnlyList<float>? Emphasis { get; init; }
}
