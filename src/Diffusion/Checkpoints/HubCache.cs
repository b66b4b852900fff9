namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>The Hugging Face hub's cache: <c>models--OWNER--NAME/snapshots/REVISION/…</c>.</summary>
/// <param name="environment">Reads an environment variable.</param>
internal sealed class HubCache(Func<string, string?> environment)
{
    /// <summary>The cache's folder, by the variables that the hub's own tools obey. It need not exist.</summary>
    public string Folder =>
        Set("HF_HUB_CACHE")
        ?? Set("HUGGINGFACE_HUB_CACHE")
        ?? Path.Combine(Set("HF_HOME") ?? Path.Combine(Set("XDG_CACHE_HOME") ?? Path.Combine(Home, ".cache"), "huggingface"), "hub");

    private string Home => Set("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    /// <summary>The folders of a repository's snapshots that are in the cache, the newest first.</summary>
    /// <param name="repository">The repository's <c>OWNER/NAME</c>.</param>
    public IEnumerable<string> Snapshots(string repository)
    {
        var snapshots = Path.Combine(Folder, $"models--{repository.Replace("/", "--", StringComparison.Ordinal)}", "snapshots");
        return Directory.Exists(snapshots)
            ? Directory.GetDirectories(snapshots).OrderByDescending(Directory.GetLastWriteTimeUtc)
            : [];
    }

    private string? Set(string variable) => environment(variable) is { Length: > 0 } value ? value : null;
}
