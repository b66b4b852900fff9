namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>What was fetched.</summary>
/// <param name="Path">The snapshot's folder.</param>
/// <param name="Commit">Its commit.</param>
/// <param name="Files">The files, by their paths in the snapshot.</param>
/// <param name="Bytes">Their size.</param>
/// <param name="Fetched">How much of that was not here before.</param>
public sealed record PulledModel(string Path, string Commit, IReadOnlyList<string> Files, long Bytes, long Fetched);
