using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>What the pairs of one kind of edit come to; each number as in <see cref="EditMeasurement"/>, averaged over the pairs that have it.</summary>
/// <param name="Kind">The kind of edit.</param>
/// <param name="Pairs">How many pairs.</param>
/// <param name="OutsidePairs">For how many of them the region is known and leaves something outside.</param>
/// <param name="OutsideControlled">Difference outside the region, with control.</param>
/// <param name="OutsideFree">Difference outside the region, without.</param>
/// <param name="OutsideShare">Share of the picture outside the region.</param>
/// <param name="ChangeControlled">Difference over the whole picture, with control.</param>
/// <param name="ChangeFree">Difference over the whole picture, without.</param>
/// <param name="StructureControlled">Agreement of edges, with control.</param>
/// <param name="StructureFree">Agreement of edges, without.</param>
/// <param name="ColourControlled">Share of edits that have the target's colour, with control.</param>
/// <param name="ColourFree">Share of edits that have the target's colour, without.</param>
public sealed record KindSummary(
    EditKind Kind,
    int Pairs,
    int OutsidePairs,
    double? OutsideControlled,
    double? OutsideFree,
    double? OutsideShare,
    double ChangeControlled,
    double? ChangeFree,
    double StructureControlled,
    double? StructureFree,
    double? ColourControlled,
    double? ColourFree)
{
    /// <summary>Difference with control over difference without: below 0.5 is the goal.</summary>
    public double? Ratio => OutsideControlled / OutsideFree;

    /// <summary>Sums up measurements, one entry for each kind among them.</summary>
    public static IReadOnlyList<KindSummary> Of(IEnumerable<EditMeasurement> measurements) =>
    [
        .. measurements.GroupBy(m => m.Pair.Kind).OrderBy(group => group.Key).Select(group => new KindSummary(
            group.Key,
            group.Count(),
            group.Count(m => m.OutsideControlled is not null),
            group.Average(m => m.OutsideControlled),
            group.Average(m => m.OutsideFree),
            group.Average(m => m.OutsideShare),
            group.Average(m => m.ChangeControlled),
            // A weight is part of the control: without control the prompt is the source's, and so is the picture.
            group.Key == EditKind.Reweight ? null : group.Average(m => m.ChangeFree),
            group.Average(m => m.StructureControlled),
            group.Key == EditKind.Reweight ? null : group.Average(m => m.StructureFree),
            Share(group.Select(m => m.ColourControlled)),
            Share(group.Select(m => m.ColourFree)))),
    ];

    private static double? Share(IEnumerable<bool?> answers) => answers.Average(answer => answer is { } yes ? yes ? 1.0 : 0.0 : (double?)null);
}
