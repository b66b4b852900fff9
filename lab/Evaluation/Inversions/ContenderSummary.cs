using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Evaluation.Quality;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>
/// Summary of the trials of one contender; each number as in <see cref="InversionTrial"/>, averaged over the images that have it.
/// </summary>
/// <param name="Contender">The contender.</param>
/// <param name="Images">Number of images.</param>
/// <param name="Ceiling">The autoencoder's round trip.</param>
/// <param name="Source">The source of an edit.</param>
/// <param name="Retraced">An edit to the same prompt without attention control.</param>
/// <param name="Edited">Edits; null if none were run.</param>
/// <param name="Free">Edits without attention control; null if none were run.</param>
/// <param name="InversionCost">Cost of an inversion.</param>
/// <param name="EditCost">Cost of source and edit.</param>
internal sealed record ContenderSummary(
    InversionContender Contender,
    int Images,
    Fidelity Ceiling,
    Fidelity Source,
    Fidelity Retraced,
    EditsSummary? Edited,
    EditsSummary? Free,
    TrialCost InversionCost,
    TrialCost EditCost)
{
    /// <summary>Ratio of the outside difference with control to that without.</summary>
    public double? Ratio => Edited?.Outside / Free?.Outside;

    /// <summary>Summarizes trials, one entry per contender, in order of appearance.</summary>
    public static IReadOnlyList<ContenderSummary> Of(IEnumerable<InversionTrial> trials) =>
    [
        .. trials.GroupBy(trial => trial.Contender).Select(group => new ContenderSummary(
            group.Key,
            group.Count(),
            Fidelity.Mean([.. group.Select(trial => trial.Ceiling)]),
            Fidelity.Mean([.. group.Select(trial => trial.Source)]),
            Fidelity.Mean([.. group.Select(trial => trial.Retraced)]),
            EditsSummary.Of([.. group.Select(trial => trial.Edited).OfType<TrialEdit>()]),
            EditsSummary.Of([.. group.Select(trial => trial.Free).OfType<TrialEdit>()]),
            Mean(group.Select(trial => trial.InversionCost)),
            Mean(group.Select(trial => trial.EditCost)))),
    ];

    private static TrialCost Mean(IEnumerable<TrialCost> costs)
    {
        var all = costs.ToList();
        return new(all.Average(cost => cost.Seconds), (long)Math.Round(all.Average(cost => cost.Rows)));
    }
}

/// <summary>Summary of the edits of several images.</summary>
/// <param name="Count">Number of edits.</param>
/// <param name="Outside">Mean difference outside the region.</param>
/// <param name="Shown">Share of edits in which the judge recognizes the target's subject or color.</param>
internal sealed record EditsSummary(int Count, double? Outside, double? Shown)
{
    internal static EditsSummary? Of(IReadOnlyCollection<TrialEdit> edits) => edits.Count == 0 ? null
        : new(edits.Count, edits.Average(edit => edit.Outside), Agreement.Share(edits.Select(edit => edit.IsShown)));
}
