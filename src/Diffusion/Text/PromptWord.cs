namespace PromptToPrompt.Diffusion.Text;

/// <summary>A word of a prompt with the positions of its tokens (the start token is position 0).</summary>
/// <param name="Text">The word as written, including punctuation.</param>
/// <param name="Tokens">Positions of the word's tokens in <see cref="TokenizedPrompt.Ids"/>.</param>
public sealed record PromptWord(string Text, IReadOnlyList<int> Tokens)
{
    /// <summary>
    /// The part of <see cref="Tokens"/> without tokens that are only punctuation before or after the word:
    /// for "cat," the position of "cat". All tokens if the word is only punctuation.
    /// </summary>
    public IReadOnlyList<int> BareTokens { get; init; } = Tokens;
}
