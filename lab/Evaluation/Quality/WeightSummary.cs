namespace PromptToPrompt.Evaluation.Quality;

/// <summary>What a weight does on average over words and seeds; each number as in <see cref="WeightMeasurement"/>.</summary>
/// <param name="Weight">The weight.</param>
/// <param name="Presence">How sure the judge is of what the words name.</param>
/// <param name="Change">Difference from weight 1.</param>
/// <param name="Structure">Agreement of edges with weight 1.</param>
/// <param name="Strength">Root mean square of the latents over that at weight 1.</param>
/// <param name="SubjectKept">Share of pictures in which the judge sees the same subject as at weight 1.</param>
public sealed record WeightSummary(float Weight, double Presence, double Change, double Structure, double Strength, double SubjectKept)
{
    private const double MinSubjectKept = 0.75;
    private const double MaxStrain = 1.25;

    /// <summary>Whether pictures survive the weight: three in four keep their subject, and latents stay within a quarter of their strength.</summary>
    public bool IsHarmless => SubjectKept >= MinSubjectKept && Strength is <= MaxStrain and >= 1 / MaxStrain;

    /// <summary>Sums up measurements, one entry for each weight, in order.</summary>
    public static IReadOnlyList<WeightSummary> Of(IEnumerable<WeightMeasurement> measurements) =>
    [
        .. measurements.GroupBy(m => m.Weight).OrderBy(group => group.Key).Select(group => new WeightSummary(
            group.Key,
            group.Average(m => m.Presence),
            group.Average(m => m.Change),
            group.Average(m => m.Structure),
            group.Average(m => m.Strength),
            group.Average(m => m.SubjectKept ? 1.0 : 0.0))),
    ];

    /// <summary>The weights around 1 that pictures survive, without a gap.</summary>
    public static (float Lowest, float Highest) UsefulRange(IReadOnlyList<WeightSummary> summaries)
    {
        var lowest = summaries.Where(s => s.Weight <= 1).Reverse().TakeWhile(s => s.IsHarmless).Last().Weight;
        var highest = summaries.Where(s => s.Weight >= 1).TakeWhile(s => s.IsHarmless).Last().Weight;
        return (lowest, highest);
    }
}
