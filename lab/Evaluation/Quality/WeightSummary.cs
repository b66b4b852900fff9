namespace PromptToPrompt.Evaluation.Quality;

/// <summary>The average effect of a weight over words and seeds; each number as in <see cref="WeightMeasurement"/>.</summary>
/// <param name="Weight">The weight.</param>
/// <param name="Presence">The judge's probability of what the words name.</param>
/// <param name="Change">Difference from weight 1.</param>
/// <param name="Structure">Agreement of edges with weight 1.</param>
/// <param name="Strength">Root mean square of the latents relative to that at weight 1.</param>
/// <param name="SubjectKept">Share of images in which the judge recognizes the same subject as at weight 1.</param>
internal sealed record WeightSummary(float Weight, double Presence, double Change, double Structure, double Strength, double SubjectKept)
{
    private const double MinSubjectKept = 0.75;
    private const double MaxStrain = 1.25;

    /// <summary>
    /// Whether images survive the weight: three quarters keep their subject, and the latents' strength changes by at most a quarter.
    /// </summary>
    public bool IsHarmless => SubjectKept >= MinSubjectKept && Strength is <= MaxStrain and >= 1 / MaxStrain;

    /// <summary>Summarizes measurements, one entry per weight, in order.</summary>
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

    /// <summary>The contiguous range of weights around 1 that images survive.</summary>
    public static (float Lowest, float Highest) UsefulRange(IReadOnlyList<WeightSummary> summaries)
    {
        var lowest = summaries.Where(s => s.Weight <= 1).Reverse().TakeWhile(s => s.IsHarmless).Last().Weight;
        var highest = summaries.Where(s => s.Weight >= 1).TakeWhile(s => s.IsHarmless).Last().Weight;
        return (lowest, highest);
    }
}
