namespace PromptToPrompt.Cluster.Contracts;

/// <summary>The state of a run.</summary>
internal enum RunState
{
    /// <summary>Shards are missing.</summary>
    Open,

    /// <summary>All shards are complete.</summary>
    Complete,

    /// <summary>All shards but those that were given up are complete.</summary>
    Incomplete,

    /// <summary>Cancelled. Finished items are kept.</summary>
    Cancelled,
}

/// <summary>A lease, for display.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Shard">Number of the shard.</param>
/// <param name="Items">Finished items of the shard.</param>
/// <param name="SecondsSinceBeat">Time since the last heartbeat.</param>
[GenerateSerializer, Immutable]
internal sealed record LeaseStatus([property: Id(0)] string Worker, [property: Id(1)] int Shard, [property: Id(2)] long Items, [property: Id(3)] double SecondsSinceBeat);

/// <summary>A shard that is not tried again, because attempts at it failed. Its number may be that of the whole data set.</summary>
/// <param name="Shard">Number of the shard.</param>
/// <param name="Attempts">Number of attempts.</param>
/// <param name="Problem">The last problem.</param>
[GenerateSerializer, Immutable]
internal sealed record FailedShard([property: Id(0)] int Shard, [property: Id(1)] int Attempts, [property: Id(2)] string Problem);

/// <summary>A worker that cannot work on a run.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Problem">The reason.</param>
[GenerateSerializer, Immutable]
internal sealed record Refusal([property: Id(0)] string Worker, [property: Id(1)] string Problem);

/// <summary>A run as it stands.</summary>
[GenerateSerializer, Immutable]
internal sealed record RunStatus
{
    /// <summary>The run.</summary>
    [Id(0)]
    public required RunDescription Run { get; init; }

    /// <summary>Its state.</summary>
    [Id(1)]
    public required RunState State { get; init; }

    /// <summary>Number of complete shards.</summary>
    [Id(2)]
    public required int CompleteShards { get; init; }

    /// <summary>The numbers of the finished items, those of shards in progress included.</summary>
    [Id(3)]
    public required Counts Done { get; init; }

    /// <summary>Items a second in the last minutes.</summary>
    [Id(4)]
    public required double Rate { get; init; }

    /// <summary>The leases.</summary>
    [Id(5)]
    public required LeaseStatus[] Leases { get; init; }

    /// <summary>Shards that are not tried again.</summary>
    [Id(6)]
    public required FailedShard[] FailedShards { get; init; }

    /// <summary>Workers that cannot work on the run.</summary>
    [Id(7)]
    public required Refusal[] Refusals { get; init; }

    /// <summary>The last problem of a shard that is tried again; null without one.</summary>
    [Id(8)]
    public string? LastProblem { get; init; }

    /// <summary>Seconds until the run is complete at the present rate; null if it cannot be told.</summary>
    public double? SecondsLeft => State == RunState.Open && Rate > 0 ? Math.Max(0, Run.Items - Done.Items) / Rate : null;
}

/// <summary>The shards that are complete according to the files.</summary>
/// <param name="Complete">A bit for each shard, the lowest of the first byte for shard 0.</param>
/// <param name="Done">The sum of their numbers.</param>
/// <param name="IsFinished">Whether the data set as a whole is complete.</param>
[GenerateSerializer, Immutable]
internal sealed record Survey([property: Id(0)] byte[] Complete, [property: Id(1)] Counts Done, [property: Id(2)] bool IsFinished = false);
