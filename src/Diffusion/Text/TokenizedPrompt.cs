namespace PromptToPrompt.Diffusion.Text;

/// <summary>A tokenized prompt, with the words that its tokens belong to.</summary>
/// <param name="Text">The prompt as written.</param>
/// <param name="Ids">Token ids, padded and truncated to the model's length (77): start, prompt, end, padding; a long prompt has several such chunks.</param>
/// <param name="Tokens">The text of each token up to and including the last end token; position 0 is the start token.</param>
/// <param name="Words">The words of the prompt in order, without truncated words.</param>
/// <param name="Truncated">The words beyond the model's length; empty if the prompt fits.</param>
public sealed record TokenizedPrompt(
    string Text,
    IReadOnlyList<int> Ids,
    IReadOnlyList<string> Tokens,
    IReadOnlyList<PromptWord> Words,
    IReadOnlyList<string> Truncated)
{
    /// <summary>Number of tokens without the padding: start, prompt and end.</summary>
    public int Length => Tokens.Count;

    /// <summary>Position of each chunk's end token; one chunk by default.</summary>
    public IReadOnlyList<int> Ends { get; init; } = [Tokens.Count - 1];

    /// <summary>Number of tokens per chunk.</summary>
    public int ChunkLength => Ids.Count / Ends.Count;

    /// <summary>The emphasis of each token, one number per entry of <see cref="Ids"/>; null if no token is emphasized.</summary>
    public IReadOnlyList<float>? Emphasis { get; init; }
}
