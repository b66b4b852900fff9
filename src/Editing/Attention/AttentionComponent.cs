namespace PromptToPrompt.Editing.Attention;

/// <summary>One component of the self-attention of an image: positions that attend to each other have similar values.</summary>
/// <param name="Values">One value per position, row-major; the squares sum to 1, and the value of largest magnitude is positive.</param>
/// <param name="Share">Share of the squared deviation from uniform attention that this component explains, 0 to 1.</param>
public sealed record AttentionComponent(IReadOnlyList<float> Values, double Share);
