namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>What to fetch.</summary>
/// <param name="Repository">The model.</param>
public sealed record PullRequest(HubRepository Repository)
{
    /// <summary>Branch, tag or commit.</summary>
    public string Revision { get; init; } = HubRevision.Main;

    /// <summary>The variant of the weights, such as <c>fp16</c>; null for the plain ones.</summary>
    public string? Variant { get; init; }

    /// <summary>Only these files; empty for those that the pipeline needs.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];
}
