namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Progress of a download.</summary>
/// <param name="File">The file being downloaded; empty before the first.</param>
/// <param name="Done">Bytes present, of all files.</param>
/// <param name="Total">Bytes of all files.</param>
/// <param name="Note">The reason for a pause; empty without one.</param>
public readonly record struct PullProgress(string File, long Done, long Total, string Note = "");
