namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>One state of a repository in the cache: a folder of links to blobs.</summary>
/// <param name="Commit">The commit, 40 hexadecimal digits.</param>
/// <param name="Path">The folder.</param>
/// <param name="Revisions">The branches and tags that stand there, by what the hub last said.</param>
internal sealed record CachedSnapshot(string Commit, string Path, IReadOnlyList<string> Revisions)
{
    /// <summary>The size of its files. Another snapshot may share them.</summary>
    public long Bytes => Blobs().Where(File.Exists).Sum(path => new FileInfo(path).Length);

    /// <summary>The files behind the links, each once.</summary>
    internal IReadOnlyList<string> Blobs() =>
    [
        .. HubPath.FilesBelow(Path).Select(Target).OfType<string>().Distinct(StringComparer.Ordinal),
    ];

    /// <summary>Where a link leads in the end; null where it leads in circles.</summary>
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
