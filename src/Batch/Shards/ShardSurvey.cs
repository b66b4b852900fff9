namespace PromptToPrompt.Batch.Shards;

/// <summary>The progress of a run according to its files.</summary>
internal static class ShardSurvey
{
    /// <summary>The progress of a shard, of <see cref="BatchProgress.Total"/> 0.</summary>
    /// <param name="request">The run.</param>
    /// <param name="number">Number of the shard.</param>
    public static BatchProgress Of(BatchRequest request, int number)
    {
        var shard = new ShardPaths(request.Folder, number);
        try
        {
            return shard.IsCommitted ? default(BatchProgress).With(ShardStats.Read(shard.Stats))
                : request.ItemsOf(number).Select(item => shard.OfItem(item.Index)).Where(File.Exists).Aggregate(default(BatchProgress), (sum, file) => sum.With(ItemFile.Summary(file)));
        }
        catch (IOException) when (shard.IsCommitted)
        {
            // Another process has just completed it.
            return default(BatchProgress).With(ShardStats.Read(shard.Stats));
        }
    }
}
