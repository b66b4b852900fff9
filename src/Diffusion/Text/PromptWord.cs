namespace PromptToPrompt.Diffusion.Text;

/// <summary>A word of a prompt and the positions of its tokens (the start token is position 0).</summary>
/// <param name="Text">The word as it was written, punctuation included.</param>
/// <param name="Tokens">Positions of the word's tokens in <see cref="TokenizedPrompt.Ids"/>.</param>
public sealed record PromptWord(string Text, IReadOnlyList<int> Tokens)
{
    /// <summary>
    /// Those of <see cref="Tokens"/> that hold the word itself, without the ones that are only punctuation before or after it:
    /// of "cat," the position of "cat". All of them when the word is nothing but punctuation.
    /// </summary>
    public IReadOnlyList<int> BareTokens { get; init; } = Tokens;
}
