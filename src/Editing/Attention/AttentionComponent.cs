namespace PromptToPrompt.Editing.Attention;

/// <summary>A pattern in where the positions of a picture look.</summary>
/// <param name="Values">One value for each position, row by row; their squares sum to 1, and the largest in size is positive.</param>
/// <param name="Share">Its part of what sets the attention apart from an even one, 0 to 1.</param>
public sealed record AttentionComponent(IReadOnlyList<float> Values, double Share);
