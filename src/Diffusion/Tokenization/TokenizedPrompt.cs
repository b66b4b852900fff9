namespace PromptToPrompt.Diffusion.Tokenization;

/// <summary>A prompt as the text encoder sees it, and which words its tokens belong to.</summary>
/// <param name="Text">The prompt as it was written.</param>
/// <param name="Ids">Token ids, padded and truncated to the model's length (77): start, prompt, end, padding.</param>
/// <param name="Tokens">The text of each token up to and including the end token; position 0 is the start token.</param>
/// <param name="Words">The words of the prompt in order, without those that were truncated.</param>
/// <param name="Truncated">The words that fell off the end of the model's length; empty when the prompt fits.</param>
public sealed record TokenizedPrompt(
    string Text,
    IReadOnlyList<int> Ids,
    IReadOnlyList<string> Tokens,
    IReadOnlyList<PromptWord> Words,
    IReadOnlyList<string> Truncated)
{
    /// <summary>Number of tokens without padding: start, prompt and end.</summary>
    public int Length => Tokens.Count;
}
