namespace PromptToPrompt.Cluster.Grains;

/// <summary>Settings of leases, which all coordinators of a cluster should share.</summary>
internal sealed record CoordinatorSettings
{
    /// <summary>Default of <see cref="Lease"/>.</summary>
    public static readonly TimeSpan DefaultLease = TimeSpan.FromSeconds(60);

    /// <summary>Default of <see cref="MaxAttempts"/>: two items of a shard may end ten attempts each before they are listed as failed.</summary>
    public const int DefaultMaxAttempts = 25;

    /// <summary>Time after the last heartbeat at which a lease ends.</summary>
    public TimeSpan Lease { get; init; } = DefaultLease;

    /// <summary>Number of failed attempts after which a shard is given up.</summary>
    public int MaxAttempts { get; init; } = DefaultMaxAttempts;

    /// <summary>The clock of leases.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
