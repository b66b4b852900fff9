namespace PromptToPrompt.Storybook.World;

/// <summary>A word of a caption and the part of the picture it names.</summary>
/// <param name="Word">The word, without punctuation.</param>
/// <param name="WordIndex">Its index among the whitespace-separated words of the caption.</param>
/// <param name="Part">The part it names.</param>
public sealed record Grounding(string Word, int WordIndex, Part Part);
