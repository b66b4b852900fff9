namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>A file of a repository.</summary>
/// <param name="Path">Its path there.</param>
/// <param name="Address">Where it is fetched.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Hash">What its content must hash to.</param>
internal sealed record HubFile(string Path, Uri Address, long Size, ContentHash Hash);
