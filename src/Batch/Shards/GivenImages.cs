using PromptToPrompt.Batch.Making;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Shards;

/// <summary>Compares the images that a plan names with those that finished items were made from.</summary>
internal static class GivenImages
{
    /// <summary>Requires that the images of items exist that are not finished.</summary>
    /// <param name="request">The run. Its own shards are looked at.</param>
    /// <exception cref="InvalidInputException">An image does not exist.</exception>
    public static void RequireExist(BatchRequest request)
    {
        foreach (var shard in request.OwnShards.Select(number => new ShardPaths(request.Folder, number)).Where(shard => !shard.IsCommitted))
        {
            foreach (var item in request.ItemsOf(shard.Number).Where(item => item.ImagePath is not null && !File.Exists(shard.OfItem(item.Index))))
                request.Plan.RequireImage(item);
        }
    }

    /// <summary>Requires that no image was replaced since it was used; those of complete shards may be deleted. Items of earlier versions, whose images are not known, are not compared.</summary>
    /// <param name="request">The run. Its own shards are compared.</param>
    /// <exception cref="InvalidInputException">An image was replaced, or cannot be read.</exception>
    public static void RequireSame(BatchRequest request)
    {
        if (request.Plan.Items.All(item => item.ImagePath is null))
            return;
        RequireSame(request, request.OwnShards.SelectMany(number => Used(request, new ShardPaths(request.Folder, number))).ToList());
    }

    /// <summary>Compares the images of one shard.</summary>
    /// <param name="request">The run.</param>
    /// <param name="shard">Number of the shard, on which no other process of this machine is working.</param>
    /// <exception cref="InvalidInputException">An image was replaced, or cannot be read.</exception>
    public static void RequireSame(BatchRequest request, int shard) => RequireSame(request, Used(request, new ShardPaths(request.Folder, shard)).ToList());

    private static void RequireSame(BatchRequest request, List<UsedImage> used)
    {
        var hashes = used.Select(made => made.Path).Distinct(StringComparer.Ordinal).AsParallel().ToDictionary(path => path, HashOf, StringComparer.Ordinal);
        // A complete shard does not need its images any more.
        foreach (var made in used.Where(made => hashes[made.Path] != made.Hash && (hashes[made.Path] is not null || !made.IsComplete || File.Exists(made.Path))))
        {
            var problem = hashes[made.Path] is null ? "cannot be read" : $"is no longer the image that the data in {request.Place.Name} were made from";
            throw request.Plan.ErrorOf(made.Item, new(
                nameof(PlanItem.Image), $"{made.Path} {problem}.", $"Restore it. To use another image, delete {made.File} and run the same command again."));
        }
    }

    private static IEnumerable<UsedImage> Used(BatchRequest request, ShardPaths shard)
    {
        List<(PlanItem Item, string Path)> given = [.. from item in request.ItemsOf(shard.Number) where item.ImagePath is not null select (item, item.ImagePath)];
        try
        {
            if (!shard.IsCommitted)
            {
                return [.. from image in given
                           let file = shard.OfItem(image.Item.Index)
                           where File.Exists(file)
                           let hash = ItemFile.Summary(file).Image
                           where hash is not null
                           select new UsedImage(image.Item, image.Path, hash, file, IsComplete: false)];
            }
        }
        catch (IOException) when (shard.IsCommitted)
        {
            // Another process has just completed it.
        }

        if (given.Count == 0 || ShardStats.Read(shard.Stats).Images is not { } hashes)
            return [];
        return [.. from image in given where hashes.ContainsKey(image.Item.Index) select new UsedImage(image.Item, image.Path, hashes[image.Item.Index], request.Place.PathOf(Path.GetFileName(shard.Stats)), IsComplete: true)];
    }

    // Null if it cannot be read.
    private static string? HashOf(string path)
    {
        try
        {
            return ItemImage.HashOf(path);
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }

    // File: what to delete, so that the item is made again.
    private sealed record UsedImage(PlanItem Item, string Path, string Hash, string File, bool IsComplete);
}
