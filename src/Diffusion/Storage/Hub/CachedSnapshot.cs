namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>One commit of a repository in the cache: a directory of links to blobs.</summary>
/// <param name="Commit">The commit, 40 hexadecimal digits.</param>
/// <param name="Path">The directory.</param>
/// <param name="Revisions">The branches and tags at this commit, as last reported by the hub.</param>
internal sealed record CachedSnapshot(string Commit, string Path, IReadOnlyList<string> Revisions)
{
    /// <summary>Size of its files in bytes. Other snapshots may share them.</summary>
    public long Bytes => Blobs().Where(File.Exists).Sum(path => new FileInfo(path).Length);

    /// <summary>The distinct files that the links lead to.</summary>
    internal IReadOnlyList<string> Blobs() =>
    [
        .. HubPath.FilesBelow(Path).Select(Target).OfType<string>().Distinct(StringComparer.Ordinal),
    ];

    /// <summary>The final target of a link; null for a cycle.</summary>
    private static string? Target(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
