using PromptToPrompt.Batch.Shards;

namespace PromptToPrompt.Batch;

/// <summary>Progress of a run.</summary>
/// <param name="Items">Items done.</param>
/// <param name="Total">Items of this partition.</param>
/// <param name="Made">Pairs made.</param>
/// <param name="Kept">Pairs kept.</param>
/// <param name="Failed">Items that failed.</param>
/// <param name="Elsewhere">Shards that other processes are working on.</param>
internal readonly record struct BatchProgress(int Items, int Total, int Made = 0, int Kept = 0, int Failed = 0, int Elsewhere = 0)
{
    /// <summary>The sum of two parts, of the first one's total.</summary>
    public static BatchProgress operator +(BatchProgress a, BatchProgress b) =>
        a with { Items = a.Items + b.Items, Made = a.Made + b.Made, Kept = a.Kept + b.Kept, Failed = a.Failed + b.Failed };

    /// <summary>The progress with one more item.</summary>
    public BatchProgress With(ItemSummary item) =>
        this with { Items = Items + 1, Made = Made + item.Made, Kept = Kept + item.Kept, Failed = Failed + (item.Error is null ? 0 : 1) };

    /// <summary>The progress with one more shard.</summary>
    public BatchProgress With(ShardStats shard) =>
        this with { Items = Items + shard.Items, Made = Made + shard.Made, Kept = Kept + shard.Kept, Failed = Failed + shard.Failed };
}
