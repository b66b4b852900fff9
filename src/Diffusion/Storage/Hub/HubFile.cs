namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>A file of a repository.</summary>
/// <param name="Path">Its path in the repository.</param>
/// <param name="Address">Its download address.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Hash">The expected hash of its content.</param>
internal sealed record HubFile(string Path, Uri Address, long Size, ContentHash Hash);
