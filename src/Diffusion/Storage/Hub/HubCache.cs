namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>The local cache of the Hugging Face hub, shared with the hub's own tools.</summary>
/// <param name="folder">Its directory, which need not exist.</param>
internal sealed class HubCache(string folder)
{
    private const string Locks = ".locks";

    /// <summary>The cache's directory.</summary>
    public string Folder { get; } = folder;

    /// <summary>A model's part of the cache, which may be empty.</summary>
    public CachedRepository Repository(HubRepository repository)
    {
        ArgumentNullException.ThrowIfNull(repository);
        return new(repository, Path.Combine(Folder, repository.FolderName), Path.Combine(Folder, Locks, repository.FolderName));
    }

    /// <summary>All models in the cache, by name.</summary>
    public IReadOnlyList<CachedRepository> Repositories() => !Directory.Exists(Folder) ? [] :
    [
        .. Directory.GetDirectories(Folder)
            .Select(path => HubRepository.OfFolder(Path.GetFileName(path)))
            .OfType<HubRepository>()
            .OrderBy(repository => repository.ToString(), StringComparer.OrdinalIgnoreCase)
            .Select(Repository),
    ];
}
