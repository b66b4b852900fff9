namespace PromptToPrompt.Cluster.Grains;

/// <summary>The rate of a number that grows, over the last two minutes.</summary>
internal sealed class RateMeter
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);
    private readonly Queue<(TimeSpan Time, long Value)> samples = [];
    private (TimeSpan Time, long Value) last;

    /// <summary>Notes the number.</summary>
    public void Note(TimeSpan now, long value)
    {
        // A shard that is given back takes its unfinished items with it, and a survey counts again.
        if (value < last.Value)
            samples.Clear();
        if (samples.Count == 0 || now - last.Time >= Between)
        {
            last = (now, value);
            samples.Enqueue(last);
        }

        while (samples.Peek().Time + Window < now && samples.Count > 1)
            samples.Dequeue();
    }

    /// <summary>Growth a second.</summary>
    public double Rate(TimeSpan now, long value) =>
        samples.TryPeek(out var first) && now > first.Time ? Math.Max(0, value - first.Value) / (now - first.Time).TotalSeconds : 0;
}
