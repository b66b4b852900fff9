namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>A download request.</summary>
/// <param name="Repository">The model.</param>
internal sealed record PullRequest(HubRepository Repository)
{
    /// <summary>Branch, tag or commit.</summary>
    public string Revision { get; init; } = HubRevision.Main;

    /// <summary>The variant of the weights, such as <c>fp16</c>; null for the default.</summary>
    public string? Variant { get; init; }

    /// <summary>The only files to download; empty for the files that the pipeline needs.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];
}
