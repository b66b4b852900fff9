namespace PromptToPrompt.Evaluation.Experiments;

/// <summary>A mean with its standard error.</summary>
/// <param name="Value">The mean.</param>
/// <param name="Error">Standard error of the mean.</param>
/// <param name="Count">Number of values.</param>
internal readonly record struct Mean(double Value, double Error, int Count)
{
    /// <summary>The mean of the values that exist; null for none.</summary>
    public static Mean? Of(IEnumerable<double?> values)
    {
        var known = values.OfType<double>().ToList();
        if (known.Count == 0)
            return null;
        var mean = known.Average();
        var variance = known.Count == 1 ? 0 : known.Sum(value => (value - mean) * (value - mean)) / (known.Count - 1);
        return new(mean, Math.Sqrt(variance / known.Count), known.Count);
    }
}

/// <summary>The outcomes of a variation, averaged.</summary>
/// <param name="Variation">Name of the variation.</param>
/// <param name="Background">PSNR in decibels outside the region that the edit concerns.</param>
/// <param name="Structure">Agreement of edges with the source.</param>
/// <param name="Shown">Share of edits in which the judge sees what was asked for.</param>
/// <param name="Subject">Share of edits in which the judge sees the subject of the target.</param>
/// <param name="Rows">Rows of the U-Net for the inversion, the source and the edit.</param>
internal sealed record OutcomeSummary(string Variation, Mean? Background, Mean? Structure, Mean? Shown, Mean? Subject, Mean? Rows)
{
    /// <summary>Summarizes outcomes by variation, in the order of their first.</summary>
    public static IReadOnlyList<OutcomeSummary> Of(IEnumerable<Outcome> outcomes) =>
    [
        .. outcomes.GroupBy(outcome => outcome.Variation).Select(group => new OutcomeSummary(
            group.Key,
            Mean.Of(group.Select(outcome => outcome.Background)),
            Mean.Of(group.Select(outcome => (double?)outcome.Structure)),
            Mean.Of(group.Select(outcome => outcome.Shown is { } shown ? shown ? 1.0 : 0.0 : (double?)null)),
            Mean.Of(group.Select(outcome => (double?)(outcome.Subject ? 1 : 0))),
            Mean.Of(group.Select(outcome => (double?)outcome.Rows)))),
    ];
}
