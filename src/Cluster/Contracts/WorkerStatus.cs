namespace PromptToPrompt.Cluster.Contracts;

/// <summary>A worker as it reports itself.</summary>
[GenerateSerializer, Immutable]
internal sealed record WorkerStatus
{
    /// <summary>The worker's name: machine, process and random digits.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>Its device.</summary>
    [Id(1)]
    public required string Device { get; init; }

    /// <summary>The run that it works on; null if it waits.</summary>
    [Id(2)]
    public string? Run { get; init; }

    /// <summary>The shard that it works on; null if it waits.</summary>
    [Id(3)]
    public int? Shard { get; init; }

    /// <summary>Items that it has made since it started.</summary>
    [Id(4)]
    public long Items { get; init; }

    /// <summary>Seconds since its last report, as a coordinator sees it.</summary>
    [Id(5)]
    public double SecondsSinceReport { get; init; }
}
