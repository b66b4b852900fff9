namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>How far a download is.</summary>
/// <param name="File">The file that is being fetched; empty before the first.</param>
/// <param name="Done">Bytes that are here, of all files.</param>
/// <param name="Total">Bytes of all files.</param>
/// <param name="Note">Why it waits; empty where it does not.</param>
public readonly record struct PullProgress(string File, long Done, long Total, string Note = "");
