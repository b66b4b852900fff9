namespace PromptToPrompt.Diffusion.Tokenization;

/// <summary>A word of a prompt and the positions of its tokens (the start token is position 0).</summary>
/// <param name="Text">The word as it was written, punctuation included.</param>
/// <param name="Tokens">Positions of the word's tokens in <see cref="TokenizedPrompt.Ids"/>.</param>
public sealed record PromptWord(string Text, IReadOnlyList<int> Tokens);
