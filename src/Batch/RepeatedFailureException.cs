using PromptToPrompt.Batch.Shards;

namespace PromptToPrompt.Batch;

/// <summary>Many items failed in a row, so the fault is not theirs.</summary>
/// <param name="message">The last error.</param>
/// <param name="reopened">Statistics of complete shards with some of the items. Their files of statistics were deleted, so that the items are tried again.</param>
internal sealed class RepeatedFailureException(string message, IReadOnlyList<ShardStats> reopened) : IOException(message)
{
    /// <summary>Statistics of the shards that are no longer complete.</summary>
    public IReadOnlyList<ShardStats> Reopened { get; } = reopened;
}
