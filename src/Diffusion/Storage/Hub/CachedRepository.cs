namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>
/// A model in the cache: <c>blobs/HASH</c> with the contents, <c>snapshots/COMMIT/…</c> with links to them under their file names, and
/// <c>refs/REVISION</c> with the commit of a branch or tag.
/// </summary>
internal sealed class CachedRepository
{
    private const int MinCommit = 7;
    private readonly string locks;

    internal CachedRepository(HubRepository name, string folder, string locks) => (Name, Folder, this.locks) = (name, folder, locks);

    /// <summary>The model's name.</summary>
    public HubRepository Name { get; }

    /// <summary>Its directory, which need not exist.</summary>
    public string Folder { get; }

    /// <summary>Whether the cache contains anything of it.</summary>
    public bool Exists => Directory.Exists(Folder);

    private string Refs => Path.Combine(Folder, "refs");

    private string SnapshotFolder => Path.Combine(Folder, "snapshots");

    private string BlobFolder => Path.Combine(Folder, "blobs");

    /// <summary>The snapshots, newest first.</summary>
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

    /// <summary>The snapshot of a branch, tag or (possibly abbreviated) commit; null if there is none.</summary>
    /// <param name="revision">The revision; null for <c>main</c>, or the newest snapshot if main is not cached.</param>
    public CachedSnapshot? Find(string? revision)
    {
        var snapshots = Snapshots();
        return snapshots.FirstOrDefault(snapshot => snapshot.Revisions.Contains(revision ?? HubRevision.Main))
            ?? (revision is null ? snapshots.FirstOrDefault()
                : revision.Length >= MinCommit ? snapshots.FirstOrDefault(snapshot => snapshot.Commit.StartsWith(revision, StringComparison.OrdinalIgnoreCase))
                : null);
    }

    /// <summary>Deletes the whole model.</summary>
    /// <returns>The freed bytes.</returns>
    public long Remove()
    {
        var freed = AllBytes();
        Directory.Delete(Folder, recursive: true);
        if (Directory.Exists(locks))
            Directory.Delete(locks, recursive: true);
        return freed;
    }

    /// <summary>Deletes a snapshot, its refs, and the blobs that no other snapshot uses.</summary>
    /// <returns>The freed bytes.</returns>
    public long Remove(CachedSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var others = Others(snapshot);
        if (others.Count == 0)
            return Remove();
        var unused = Unused(snapshot, others);
        foreach (var revision in snapshot.Revisions)
            File.Delete(HubPath.Below(Refs, revision));
        Directory.Delete(snapshot.Path, recursive: true);
        var freed = unused.Sum(file => file.Length);
        unused.ForEach(file => file.Delete());
        return freed;
    }

    /// <summary>The bytes that deleting a snapshot frees.</summary>
    public long BytesOnlyOf(CachedSnapshot snapshot) => Others(snapshot) is { Count: > 0 } others ? Unused(snapshot, others).Sum(file => file.Length) : AllBytes();

    /// <summary>Whether deleting a snapshot may delete a file or directory, or a part of it.</summary>
    internal bool MayDelete(CachedSnapshot snapshot, string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        return IsBelow(full, snapshot.Path) || IsBelow(full, BlobFolder) || IsBelow(snapshot.Path, full);

        static bool IsBelow(string inner, string outer) => inner == outer || inner.StartsWith(outer + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    /// <summary>Path of the content with a given hash.</summary>
    internal string Blob(ContentHash hash) => Path.Combine(BlobFolder, hash.Text);

    /// <summary>Directory of a commit's snapshot.</summary>
    internal string SnapshotOf(string commit) => Path.Combine(SnapshotFolder, commit);

    /// <summary>Path of the lock file for writing a blob.</summary>
    internal string Lock(ContentHash hash) => Path.Combine(locks, hash.Text + ".lock");

    /// <summary>Creates the directories.</summary>
    /// <exception cref="InvalidInputException">They cannot be created.</exception>
    internal void Create()
    {
        try
        {
            Directory.CreateDirectory(BlobFolder);
            Directory.CreateDirectory(locks);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"The cache directory {Folder} cannot be created ({e.Message}). Choose another one with HF_HUB_CACHE.", e);
        }
    }

    /// <summary>Links a file name in a snapshot to a blob.</summary>
    internal void Link(string commit, string path, ContentHash hash)
    {
        var blob = Blob(hash);
        if (!File.Exists(blob))
            throw new InvalidInputException($"{blob} was deleted during the download. Download {Name} again.");
        var link = HubPath.Below(SnapshotOf(commit), path);
        var folder = Path.GetDirectoryName(link)!;
        // Created under a temporary name first: two processes may link the same file, and it must never be missing for either.
        var temporary = Path.Combine(folder, $".p2p-{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(folder);
            File.CreateSymbolicLink(temporary, Path.GetRelativePath(folder, blob));
            File.Move(temporary, link, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{link} cannot be created ({e.Message}). The cache needs a file system with symbolic links; choose its directory with HF_HUB_CACHE.", e);
        }
    }

    /// <summary>Stores the commit of a branch or tag.</summary>
    internal void Point(string revision, string commit)
    {
        var path = HubPath.Below(Refs, revision);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be created ({e.Message}). Remove the file that blocks it, or choose another cache directory with HF_HUB_CACHE.", e);
        }

        Diffusion.Storage.Files.AtomicFile.WriteText(path, commit);
    }

    private List<CachedSnapshot> Others(CachedSnapshot snapshot) => [.. Snapshots().Where(other => other.Commit != snapshot.Commit)];

    private List<FileInfo> Unused(CachedSnapshot snapshot, IReadOnlyList<CachedSnapshot> others)
    {
        var used = others.SelectMany(other => other.Blobs()).ToHashSet(StringComparer.Ordinal);
        return [.. snapshot.Blobs().Where(path => !used.Contains(path) && IsBlob(path)).Select(path => new FileInfo(path)).Where(file => file.Exists)];
    }

    private long AllBytes() => Directory.Exists(BlobFolder) ? new DirectoryInfo(BlobFolder).GetFiles().Sum(file => file.Length) : 0;

    private bool IsBlob(string path) => Path.GetDirectoryName(path) == Path.GetFullPath(BlobFolder);

    private List<(string Revision, string Commit)> ReadRefs() => !Directory.Exists(Refs) ? [] :
    [
        .. HubPath.FilesBelow(Refs)
            .Where(path => !Path.GetFileName(path).StartsWith('.'))
            .Order(StringComparer.Ordinal)
            .Select(path => (Path.GetRelativePath(Refs, path).Replace('\\', '/'), File.ReadAllText(path).Trim())),
    ];
}
