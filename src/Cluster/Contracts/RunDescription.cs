namespace PromptToPrompt.Cluster.Contracts;

/// <summary>A run: a command that every worker can repeat, and the shards that it consists of.</summary>
[GenerateSerializer, Immutable]
internal sealed record RunDescription
{
    /// <summary>The run's name, which follows from its folder.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>The folder of the data set, which all workers reach under this path, or its address in a bucket.</summary>
    [Id(1)]
    public required string Folder { get; init; }

    /// <summary>The copy of the plan beside the data.</summary>
    [Id(2)]
    public required string Plan { get; init; }

    /// <summary>SHA-256 of the plan.</summary>
    [Id(3)]
    public required string PlanHash { get; init; }

    /// <summary>The folder that paths of images in the plan are relative to.</summary>
    [Id(4)]
    public required string PlanFolder { get; init; }

    /// <summary>The options of the command, as they were given.</summary>
    [Id(5)]
    public required string[] Arguments { get; init; }

    /// <summary>The folder in which the command was given: relative paths of the options begin there.</summary>
    [Id(8)]
    public required string WorkingFolder { get; init; }

    /// <summary>Number of items.</summary>
    [Id(6)]
    public required int Items { get; init; }

    /// <summary>Number of items in a shard.</summary>
    [Id(7)]
    public required int ShardSize { get; init; }

    /// <summary>Whether another description is of the same data.</summary>
    public bool IsSame(RunDescription other) => this with { Arguments = other.Arguments } == other && Arguments.SequenceEqual(other.Arguments);

    /// <summary>Number of shards.</summary>
    public int Shards => 1 + ((Items - 1) / ShardSize);

    /// <summary>A shard in messages. The number after the last shard stands for the whole.</summary>
    public string NameOf(int shard) => shard < Shards ? $"shard {shard}" : "the completion of the data set";

    /// <summary>Number of items of a shard.</summary>
    public int ItemsOf(int shard) => Math.Min(ShardSize, Items - (shard * ShardSize));
}
