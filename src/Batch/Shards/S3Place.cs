using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Batch.Shards;

/// <summary>
/// A data set in a bucket of S3 or a service with its protocol. Credentials, region and endpoint are those of every program with the SDK: environment variables, the
/// files in <c>~/.aws</c>, or the machine's role. Objects appear whole, so a shard appears with the object of its statistics.
/// </summary>
internal sealed partial class S3Place : DataSetPlace
{
    private const string Scheme = "s3://";
    private const string Output = nameof(Output);
    private const int Downloads = 16;

    // A service may answer that an object is being written, and another that it is not there.
    private const int MaxTries = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly Lazy<string> folder;

    /// <summary>A place.</summary>
    /// <param name="bucket">Its objects.</param>
    /// <param name="folder">The run's folder on this machine; null for that in the user's cache.</param>
    public S3Place(S3Bucket bucket, string? folder = null)
    {
        Bucket = bucket;
        this.folder = new(() => folder ?? CacheOf(bucket.Endpoint, Name));
    }

    /// <inheritdoc/>
    public override string Name => Bucket.Name;

    /// <inheritdoc/>
    public override bool NumbersRuns => true;

    /// <summary>Its objects.</summary>
    public S3Bucket Bucket { get; }

    /// <summary>The run's folder on this machine, in the user's cache. It has the same path in every process of the user.</summary>
    public string Folder => folder.Value;

    /// <summary>The place with an address; null if the text is no address of S3.</summary>
    /// <param name="text"><c>s3://bucket/prefix</c>.</param>
    /// <exception cref="InvalidInputException">The address has no bucket or no prefix.</exception>
    public static S3Place? TryParse(string text)
    {
        if (!text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return null;
        var parts = text[Scheme.Length..].Split('/', 2);
        var prefix = parts.Length == 2 ? parts[1].Trim('/') : "";
        InvalidInputException.Require(parts[0].Length > 0 && prefix.Length > 0, Output, $"\"{text}\" is not valid.", "Use s3://BUCKET/PREFIX.");
        InvalidInputException.Require(
            BucketName().IsMatch(parts[0]) && !parts[0].Contains("..", StringComparison.Ordinal), Output, $"\"{parts[0]}\" is no name of a bucket.", "It has 3 to 63 small letters, digits, dots and hyphens, and begins and ends with a letter or digit.");
        // Clients and services take them for steps between folders, each in its own way.
        InvalidInputException.Require(
            !prefix.Split('/').Any(part => part is "" or "." or ".."), Output, $"The prefix \"{prefix}\" has an empty part, \".\" or \"..\" between its slashes.", "Leave them out.");
        return new S3Place(new S3Bucket(parts[0], prefix + "/", S3Bucket.Connect));
    }

    /// <inheritdoc/>
    public override string PathOf(string name) => $"{Name}/{name}";

    /// <inheritdoc/>
    public override void Fetch(CancellationToken cancellationToken = default)
    {
        // In this order: what another process of this machine writes meanwhile is first there and then here, and must not count as deleted.
        var here = Directory.Exists(Folder) ? Directory.EnumerateFiles(Folder).Select(path => Path.GetFileName(path)).Where(name => SmallFile().IsMatch(name)).ToList() : [];
        var there = Bucket.List(cancellationToken).Where(file => SmallFile().IsMatch(file.Key)).ToDictionary(StringComparer.Ordinal);
        Follow(there.Remove(RunManifest.Name) ? Bucket.Read(RunManifest.Name, cancellationToken) : null);
        // What was deleted there must not count here.
        foreach (var name in here.Where(name => name != RunManifest.Name && !there.ContainsKey(name)))
            File.Delete(LocalPath(name));
        try
        {
            var settings = new ParallelOptions { MaxDegreeOfParallelism = Downloads, CancellationToken = cancellationToken };
            _ = Parallel.ForEach(there.Where(file => !IsHere(file.Key, file.Value)), settings, file => Download(file.Key, cancellationToken));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    /// <inheritdoc/>
    public override void Fetch(ShardPaths shard, CancellationToken cancellationToken = default)
    {
        if (!IsFollowed(Bucket.Read(RunManifest.Name, cancellationToken)))
        {
            Fetch(cancellationToken);
            return;
        }

        // Asked first: another process of this machine may complete the shard meanwhile.
        var wasHere = shard.IsCommitted;
        if (Bucket.Read(Path.GetFileName(shard.Stats), cancellationToken) is not { } stats)
        {
            if (wasHere)
            {
                File.Delete(shard.Stats);
                File.Delete(shard.Failed);
            }

            return;
        }

        // The statistics come last, as in the data set.
        if (Download(Path.GetFileName(shard.Failed), cancellationToken) is null && File.Exists(shard.Failed))
            File.Delete(shard.Failed);
        Keep(Path.GetFileName(shard.Stats), stats);
    }

    /// <summary>Brings a file to <see cref="Folder"/>.</summary>
    /// <returns>Its path; null if the data set does not have it.</returns>
    public string? Download(string name, CancellationToken cancellationToken = default)
    {
        if (Bucket.Read(name, cancellationToken) is not { } content)
            return null;
        Keep(name, content);
        return LocalPath(name);
    }

    /// <inheritdoc/>
    public override bool Create(string name, string text, CancellationToken cancellationToken = default)
    {
        var content = Encoding.UTF8.GetBytes(text);
        for (var tries = 1; ; tries++)
        {
            // Not all services refuse an object that exists.
            var existing = Bucket.Read(name, cancellationToken);
            if (existing is null && !Bucket.PutNew(name, content, cancellationToken) && (existing = Bucket.Read(name, cancellationToken)) is null)
            {
                if (tries == MaxTries)
                    throw new IOException($"{PathOf(name)} cannot be written: the service says that it exists, but it cannot be read. Run the same command again.");
                cancellationToken.WaitHandle.WaitOne(Pause * tries);
                cancellationToken.ThrowIfCancellationRequested();
                continue;
            }

            Keep(name, existing ?? content);
            return existing is null || existing.AsSpan().SequenceEqual(content);
        }
    }

    /// <inheritdoc/>
    public override void Write(string name, byte[] content, CancellationToken cancellationToken = default)
    {
        Bucket.Put(name, content, cancellationToken);
        Keep(name, content);
    }

    /// <inheritdoc/>
    public override void Move(string path, string name, CancellationToken cancellationToken = default)
    {
        Bucket.Upload(path, name, cancellationToken);
        if (SmallFile().IsMatch(name))
            File.Move(path, LocalPath(name), overwrite: true);
        else
            File.Delete(path);
    }

    /// <inheritdoc/>
    public override void Complete(string path, string name, CancellationToken cancellationToken = default)
    {
        if (!Create(name, File.ReadAllText(path), cancellationToken))
            throw Mixed(name);
        File.Delete(path);
    }

    /// <inheritdoc/>
    public override void Delete(string name, CancellationToken cancellationToken = default)
    {
        Bucket.Delete(name, cancellationToken);
        File.Delete(LocalPath(name));
    }

    private static string CacheOf(string? endpoint, string name)
    {
        var unique = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{endpoint} {name}")))[..16];
        return UserCache.Folder("batch", unique) ?? Path.Combine(Path.GetTempPath(), "prompt-to-prompt", unique);
    }

    private string LocalPath(string name) => Path.Combine(Folder, name);

    // Takes over the manifest of the data set. Unfinished items of a run with another one must not get into shards of this.
    private void Follow(byte[]? manifest)
    {
        if (IsFollowed(manifest))
            return;
        var unfinished = ShardPaths.AllUnfinished(Folder);
        try
        {
            if (Directory.Exists(unfinished))
                Directory.Delete(unfinished, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Another process deletes it, too.
        }

        if (manifest is not null)
            Keep(RunManifest.Name, manifest);
        else if (File.Exists(LocalPath(RunManifest.Name)))
            File.Delete(LocalPath(RunManifest.Name));
    }

    private bool IsFollowed(byte[]? manifest) => manifest is not null && File.Exists(LocalPath(RunManifest.Name)) && manifest.AsSpan().SequenceEqual(File.ReadAllBytes(LocalPath(RunManifest.Name)));

    // The tag of a small object is usually its MD5; otherwise it is fetched again.
    private bool IsHere(string name, string tag)
    {
        try
        {
#pragma warning disable CA5351 // Compares with what the service computed.
            return File.Exists(LocalPath(name)) && tag.Trim('"') == Convert.ToHexStringLower(MD5.HashData(File.ReadAllBytes(LocalPath(name))));
#pragma warning restore CA5351
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    private void Keep(string name, byte[] content)
    {
        Directory.CreateDirectory(Folder);
        AtomicFile.Write(LocalPath(name), stream => stream.Write(content));
    }

    [GeneratedRegex(@"^(run\.json|[0-9]{5,}\.(json|failed\.jsonl))$")]
    private static partial Regex SmallFile();

    [GeneratedRegex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    private static partial Regex BucketName();
}
