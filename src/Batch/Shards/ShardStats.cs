using System.Text;

namespace PromptToPrompt.Batch.Shards;

/// <summary>The statistics of a complete shard.</summary>
/// <param name="Shard">Its number.</param>
/// <param name="FirstItem">Number of its first item in the plan.</param>
/// <param name="Items">Number of its items.</param>
/// <param name="Failed">Items that failed.</param>
/// <param name="Made">Pairs that were made.</param>
/// <param name="Kept">Pairs that are kept.</param>
/// <param name="Files">SHA-256 of each of its files.</param>
/// <param name="Images">SHA-256 of the image that each item was made from, by the number of the item; null if none was.</param>
internal sealed record ShardStats(
    int Shard, int FirstItem, int Items, int Failed, int Made, int Kept, SortedDictionary<string, string> Files, SortedDictionary<int, string>? Images = null)
{
    /// <summary>Reads the statistics of a shard.</summary>
    public static ShardStats Read(string path) => BatchJson.Read<ShardStats>(File.ReadAllBytes(path));

    /// <summary>The failed items of a complete shard.</summary>
    public static IEnumerable<ItemSummary> Failures(ShardPaths shard) =>
        File.Exists(shard.Failed) ? File.ReadLines(shard.Failed).Select(line => BatchJson.Read<ItemSummary>(Encoding.UTF8.GetBytes(line))) : [];
}
