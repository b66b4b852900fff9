namespace PromptToPrompt.Cluster.Contracts;

/// <summary>The right of a worker to make a shard, which ends without heartbeats.</summary>
/// <param name="Shard">Number of the shard. The number after the last shard stands for completing the data set as a whole.</param>
/// <param name="Token">A number that grows with each lease of a run.</param>
/// <param name="Seconds">Time after the last heartbeat at which the lease ends.</param>
[GenerateSerializer, Immutable]
internal sealed record Lease([property: Id(0)] int Shard, [property: Id(1)] long Token, [property: Id(2)] double Seconds);

/// <summary>The answer to a heartbeat.</summary>
internal enum LeaseState
{
    /// <summary>The worker has the lease.</summary>
    Held,

    /// <summary>The shard is complete, or another worker has it.</summary>
    Lost,

    /// <summary>The run was cancelled.</summary>
    Cancelled,
}

/// <summary>How a worker ended a lease without completing the shard.</summary>
internal enum LeaseEnd
{
    /// <summary>The worker stops. Finished items are kept.</summary>
    Drained,

    /// <summary>A process that the coordinators do not know works on the shard.</summary>
    Busy,

    /// <summary>The shard failed.</summary>
    Failed,
}
