namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>A word that was learned by textual inversion (Gal et al., arXiv 2208.01618), to use in prompts.</summary>
/// <param name="Path">The file, as diffusers or the usual web interfaces write it.</param>
/// <param name="Word">How prompts write it; null for the name in the file or, where that has none, the file's own.</param>
public sealed record TextEmbedding(string Path, string? Word = null);
