namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>
/// What the cache holds of a model: <c>blobs/HASH</c> with the contents, <c>snapshots/COMMIT/…</c> with links to them under their names, and
/// <c>refs/REVISION</c> with the commit of a branch or tag.
/// </summary>
internal sealed class CachedRepository
{
    private const int MinCommit = 7;
    private readonly string locks;

    internal CachedRepository(HubRepository name, string folder, string locks) => (Name, Folder, this.locks) = (name, folder, locks);

    /// <summary>The model.</summary>
    public HubRepository Name { get; }

    /// <summary>Its folder, which need not exist.</summary>
    public string Folder { get; }

    /// <summary>Whether the cache holds anything of it.</summary>
    public bool Exists => Directory.Exists(Folder);

    private string Refs => Path.Combine(Folder, "refs");

    private string SnapshotFolder => Path.Combine(Folder, "snapshots");

    private string BlobFolder => Path.Combine(Folder, "blobs");

    /// <summary>The snapshots, the newest first.</summary>
    public IReadOnlyList<CachedSnapshot> Snapshots()
    {
        if (!Directory.Exists(SnapshotFolder))
            return [];
        var refs = ReadRefs();
        return
        [
            .. Directory.GetDirectories(SnapshotFolder)
                .OrderByDescending(Directory.GetLastWriteTimeUtc)
                .Select(path => (Path: path, Commit: Path.GetFileName(path)))
                .Select(found => new CachedSnapshot(found.Commit, found.Path, [.. refs.Where(entry => entry.Commit == found.Commit).Select(entry => entry.Revision)])),
        ];
    }

    /// <summary>The snapshot of a branch, tag or commit (its beginning is enough); null where there is none.</summary>
    /// <param name="revision">The revision; null for <c>main</c>, or the newest snapshot where main is not there.</param>
    public CachedSnapshot? Find(string? revision)
    {
        var snapshots = Snapshots();
        return snapshots.FirstOrDefault(snapshot => snapshot.Revisions.Contains(revision ?? HubRevision.Main))
            ?? (revision is null ? snapshots.FirstOrDefault()
                : revision.Length >= MinCommit ? snapshots.FirstOrDefault(snapshot => snapshot.Commit.StartsWith(revision, StringComparison.OrdinalIgnoreCase))
                : null);
    }

    /// <summary>Deletes everything of the model.</summary>
    /// <returns>The freed bytes.</returns>
    public long Remove()
    {
        var freed = Directory.Exists(BlobFolder) ? new DirectoryInfo(BlobFolder).GetFiles().Sum(file => file.Length) : 0;
        Directory.Delete(Folder, recursive: true);
        if (Directory.Exists(locks))
            Directory.Delete(locks, recursive: true);
        return freed;
    }

    /// <summary>Deletes a snapshot, its revisions, and the blobs that no other snapshot uses.</summary>
    /// <returns>The freed bytes.</returns>
    public long Remove(CachedSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var others = Snapshots().Where(other => other.Commit != snapshot.Commit).ToList();
        if (others.Count == 0)
            return Remove();
        var used = others.SelectMany(other => other.Blobs()).ToHashSet(StringComparer.Ordinal);
        var unused = snapshot.Blobs().Where(path => !used.Contains(path) && IsBlob(path)).Select(path => new FileInfo(path)).Where(file => file.Exists).ToList();
        foreach (var revision in snapshot.Revisions)
            File.Delete(HubPath.Below(Refs, revision));
        Directory.Delete(snapshot.Path, recursive: true);
        var freed = unused.Sum(file => file.Length);
        unused.ForEach(file => file.Delete());
        return freed;
    }

    /// <summary>Where the content with this hash is, or goes.</summary>
    internal string Blob(ContentHash hash) => Path.Combine(BlobFolder, hash.Text);

    /// <summary>The folder of a commit's snapshot.</summary>
    internal string SnapshotOf(string commit) => Path.Combine(SnapshotFolder, commit);

    /// <summary>The file that only one process holds while it writes a blob.</summary>
    internal string Lock(ContentHash hash) => Path.Combine(locks, hash.Text + ".lock");

    /// <summary>Makes the folders.</summary>
    /// <exception cref="InvalidInputException">They cannot be made.</exception>
    internal void Create()
    {
        try
        {
            Directory.CreateDirectory(BlobFolder);
            Directory.CreateDirectory(locks);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"The cache folder {Folder} cannot be made ({e.Message}); choose another with HF_HUB_CACHE.", e);
        }
    }

    /// <summary>Gives a blob its name in a snapshot.</summary>
    internal void Link(string commit, string path, ContentHash hash)
    {
        var blob = Blob(hash);
        if (!File.Exists(blob))
            throw new InvalidInputException($"{blob} was deleted during the download; pull {Name} again.");
        var link = HubPath.Below(SnapshotOf(commit), path);
        var folder = Path.GetDirectoryName(link)!;
        // Under another name first: two processes may link the same file, and neither may find it missing.
        var temporary = Path.Combine(folder, $".p2p-{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(folder);
            File.CreateSymbolicLink(temporary, Path.GetRelativePath(folder, blob));
            File.Move(temporary, link, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{link} cannot be made ({e.Message}); the cache needs a file system with symbolic links, choose its folder with HF_HUB_CACHE.", e);
        }
    }

    /// <summary>Remembers where a branch or tag stands.</summary>
    internal void Point(string revision, string commit)
    {
        var path = HubPath.Below(Refs, revision);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be made ({e.Message}); remove what is in its way, or choose another cache folder with HF_HUB_CACHE.", e);
        }

        Diffusion.Storage.Files.AtomicFile.WriteText(path, commit);
    }

    private bool IsBlob(string path) => Path.GetDirectoryName(path) == Path.GetFullPath(BlobFolder);

    private List<(string Revision, string Commit)> ReadRefs() => !Directory.Exists(Refs) ? [] :
    [
        .. HubPath.FilesBelow(Refs)
            .Where(path => !Path.GetFileName(path).StartsWith('.'))
            .Order(StringComparer.Ordinal)
            .Select(path => (Path.GetRelativePath(Refs, path).Replace('\\', '/'), File.ReadAllText(path).Trim())),
    ];
}
