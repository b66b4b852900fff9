namespace PromptToPrompt.Cluster.Contracts;

/// <summary>Numbers of a shard, of a part of it, or of a whole run.</summary>
/// <param name="Items">Finished items.</param>
/// <param name="Failed">Items that failed.</param>
/// <param name="Made">Pairs that were made.</param>
/// <param name="Kept">Pairs that are kept.</param>
[GenerateSerializer, Immutable]
internal readonly record struct Counts([property: Id(0)] long Items, [property: Id(1)] long Failed = 0, [property: Id(2)] long Made = 0, [property: Id(3)] long Kept = 0)
{
    /// <summary>The sum.</summary>
    public static Counts operator +(Counts a, Counts b) => new(a.Items + b.Items, a.Failed + b.Failed, a.Made + b.Made, a.Kept + b.Kept);

    /// <summary>The difference.</summary>
    public static Counts operator -(Counts a, Counts b) => new(a.Items - b.Items, a.Failed - b.Failed, a.Made - b.Made, a.Kept - b.Kept);
}
