using PromptToPrompt.Cluster.Contracts;

namespace PromptToPrompt.Cluster.Work;

/// <summary>Makes the shards of one run.</summary>
internal abstract class ShardMaker : IDisposable
{
    /// <summary>The finished items of a shard that is not yet complete.</summary>
    public abstract Counts Survey(int shard);

    /// <summary>Makes the missing items of a shard and completes it.</summary>
    /// <param name="shard">Number of the shard.</param>
    /// <param name="progress">Receives the finished items of the shard after each.</param>
    /// <param name="mayCommit">Is asked before the files of the shard become visible; false gives the shard up.</param>
    /// <param name="cancellationToken">Gives up the current item; finished ones are kept.</param>
    /// <returns>The numbers of the shard; null if another process works on it.</returns>
    /// <exception cref="RunRefusedException">This worker cannot make the run; others may.</exception>
    /// <exception cref="ShardsDeletedException">Many items failed in a row, and files of complete shards with some of them were deleted.</exception>
    public abstract Counts? Make(int shard, IProgress<Counts> progress, Func<bool> mayCommit, CancellationToken cancellationToken);

    /// <summary>Completes the data set as a whole, once all shards are complete.</summary>
    /// <exception cref="ShardsMissingException">Files of a shard are not there, or not yet on this machine.</exception>
    public abstract void Finish();

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}

/// <summary>The data set cannot be completed, because files of shards are missing.</summary>
/// <param name="shards">Numbers of the shards.</param>
internal sealed class ShardsMissingException(IReadOnlyList<int> shards)
    : IOException($"{(shards.Count == 1 ? $"Shard {shards[0]} has" : $"The shards {string.Join(", ", shards.Take(MaxNamed))}{(shards.Count > MaxNamed ? " and more" : "")} have")} no statistics file.")
{
    private const int MaxNamed = 10;
}

/// <summary>Files of complete shards were deleted, because their failures were not the fault of their items.</summary>
/// <param name="message">The cause.</param>
/// <param name="shards">Number and counts of the shards.</param>
/// <param name="cause">The exception.</param>
internal sealed class ShardsDeletedException(string message, IReadOnlyDictionary<int, Counts> shards, Exception? cause = null) : IOException(message, cause)
{
    /// <summary>Number and counts of the shards.</summary>
    public IReadOnlyDictionary<int, Counts> Shards { get; } = shards;
}

/// <summary>This worker cannot make a run, through no fault of a shard.</summary>
/// <param name="message">The cause.</param>
/// <param name="cause">The exception; null without one.</param>
internal sealed class RunRefusedException(string message, Exception? cause = null) : IOException(message, cause);
