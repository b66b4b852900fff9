namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>The result of a download.</summary>
/// <param name="Path">Directory of the snapshot.</param>
/// <param name="Commit">Its commit.</param>
/// <param name="Files">The files, as paths in the snapshot.</param>
/// <param name="Bytes">Their size.</param>
/// <param name="Fetched">Number of bytes that were downloaded.</param>
internal sealed record PulledModel(string Path, string Commit, IReadOnlyList<string> Files, long Bytes, long Fetched);
