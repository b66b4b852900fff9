using System.Security.Cryptography;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Batch.Shards;

/// <summary>The files in which a data set keeps the pairs of a shard.</summary>
internal abstract class ShardLayout
{
    /// <summary>The layout's name.</summary>
    public abstract string Name { get; }

    /// <summary>Whether data sets of this layout may be elsewhere than in a folder.</summary>
    public bool FitsObjects => WritesUnfinishedOnly;

    /// <summary>The format of images.</summary>
    public required ImageFormat Format { get; init; }

    /// <summary>
    /// Completes a shard: its files are written in its folder of unfinished work and then renamed, the statistics last. Their presence makes the shard complete; a process that is killed
    /// before leaves files that the next one replaces with equal ones.
    /// </summary>
    /// <param name="shard">The shard.</param>
    /// <param name="items">The files of its items, in order.</param>
    /// <param name="mayCommit">Is asked before each file appears in the data set.</param>
    /// <param name="place">Where the data set is; null for the folder.</param>
    /// <param name="cancellationToken">Gives it up. Then the shard is not complete, and its items are kept.</param>
    /// <returns>False if the answer was no. Then the shard is not complete, and its items are kept.</returns>
    /// <exception cref="IOException">The data set became that of another run, or another process completed the shard with other files.</exception>
    public bool Commit(ShardPaths shard, IReadOnlyList<string> items, Func<bool>? mayCommit = null, DataSetPlace? place = null, CancellationToken cancellationToken = default)
    {
        place ??= new FolderPlace(shard.Folder);
        ItemSummary[] summaries = [.. items.Select(ItemFile.Summary)];
        // The folders of pairs appear with the layout's first write.
        if (!WritesUnfinishedOnly && mayCommit?.Invoke() == false)
            return false;
        var names = Write(shard, items).ToList();
        ItemSummary[] failures = [.. summaries.Where(item => item.Error is not null)];
        var failed = Path.GetFileName(shard.Failed);
        if (failures.Length > 0)
        {
            names.Add(failed);
            AtomicFile.WriteText(Path.Combine(shard.Unfinished, failed), string.Concat(failures.Select(item => BatchJson.Line(item) + "\n")));
        }

        var hashes = new SortedDictionary<string, string>(names.ToDictionary(name => name, name => Hash(Path.Combine(shard.Unfinished, name))), StringComparer.Ordinal);
        var stats = new ShardStats(
            shard.Number, summaries[0].Item, summaries.Length, failures.Length, summaries.Sum(item => item.Made), summaries.Sum(item => item.Kept), hashes, ImagesOf(summaries));
        var marker = Path.Combine(shard.Unfinished, Path.GetFileName(shard.Stats));
        AtomicFile.WriteText(marker, BatchJson.Line(stats) + "\n");
        // The files of this process in the data set; one that is not in the hashes was deleted.
        var written = new List<string>();
        List<(string Name, Action Act)> steps = [.. names.Select(name => (name, (Action)(() => place.Move(Path.Combine(shard.Unfinished, name), name, cancellationToken))))];
        // The shard may have been made before.
        if (failures.Length == 0)
            steps.Insert(0, (failed, () => place.Delete(failed, cancellationToken)));
        steps.Add((Path.GetFileName(shard.Stats), () => place.Complete(marker, Path.GetFileName(shard.Stats), cancellationToken)));
        foreach (var (name, act) in steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var may = mayCommit?.Invoke() != false;
            // Another machine, which the lock file does not hold up, may complete the shard meanwhile.
            place.Fetch(shard, cancellationToken);
            if (shard.IsCommitted)
            {
                var theirs = ShardStats.Read(shard.Stats).Files;
                if (written.Any(mine => theirs.GetValueOrDefault(mine) != hashes.GetValueOrDefault(mine)))
                    throw place.Mixed(Path.GetFileName(shard.Stats));
                return true;
            }

            if (!may)
                return false;
            RequireUnfinished(shard, place);
            // An error does not say that nothing was written.
            written.Add(name);
            act();
        }

        return true;
    }

    /// <summary>Requires that the finished items of a shard are still there: with another run in the same place, they are deleted.</summary>
    /// <exception cref="IOException">They are not.</exception>
    public static void RequireUnfinished(ShardPaths shard, DataSetPlace place)
    {
        if (!Directory.Exists(shard.Unfinished))
            throw new IOException($"{place.Name}: the data set was deleted or replaced during the run, so the finished items of shard {shard.Number} were given up. Run the same command again.");
    }

    /// <summary>Writes the files of the whole data set, once all shards are complete.</summary>
    /// <param name="folder">The folder of the data set.</param>
    public virtual void Finish(string folder)
    {
    }

    /// <summary>Whether <see cref="Write"/> leaves the folder of the data set as it is.</summary>
    protected abstract bool WritesUnfinishedOnly { get; }

    /// <summary>Writes the pairs into the shard's folder of unfinished work.</summary>
    /// <returns>The names of files that are then renamed into the folder of the data set.</returns>
    protected abstract IEnumerable<string> Write(ShardPaths shard, IReadOnlyList<string> items);

    private static SortedDictionary<int, string>? ImagesOf(IReadOnlyList<ItemSummary> items)
    {
        var images = new SortedDictionary<int, string>(items.Where(item => item.Image is not null).ToDictionary(item => item.Item, item => item.Image!));
        return images.Count > 0 ? images : null;
    }

    private static string Hash(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
