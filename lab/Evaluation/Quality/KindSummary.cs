using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>Summary of the pairs of one kind of edit.</summary>
/// <param name="Kind">The kind of edit.</param>
/// <param name="Pairs">Number of pairs.</param>
/// <param name="OutsidePairs">Number of pairs with a region that does not cover the whole image.</param>
/// <param name="OutsideShare">Share of the image outside the region.</param>
/// <param name="Controlled">With attention control.</param>
/// <param name="Free">Without attention control; null for a re-weighting.</param>
internal sealed record KindSummary(EditKind Kind, int Pairs, int OutsidePairs, double? OutsideShare, TargetSummary Controlled, TargetSummary? Free)
{
    /// <summary>Ratio of the outside difference with control to that without; the goal is below 0.5.</summary>
    public double? Ratio => Controlled.Outside / Free?.Outside;

    /// <summary>The slot that an edit of this kind changes; null for a re-weighting.</summary>
    public static Slot? Changed(EditKind kind) => kind switch
    {
        EditKind.SubjectSwap => Slot.Subject,
        EditKind.ColorSwap => Slot.Color,
        EditKind.PlaceSwap => Slot.Place,
        EditKind.AddedStyle => Slot.Style,
        EditKind.AddedTime => Slot.Time,
        EditKind.AddedWeather => Slot.Weather,
        _ => null,
    };

    /// <summary>Summarizes measurements, one entry per kind.</summary>
    public static IReadOnlyList<KindSummary> Of(IEnumerable<EditMeasurement> measurements) =>
    [
        .. measurements.GroupBy(m => m.Pair.Kind).OrderBy(group => group.Key).Select(group => new KindSummary(
            group.Key,
            group.Count(),
            group.Count(m => m.Controlled.Outside is not null),
            group.Average(m => m.OutsideShare),
            TargetSummary.Of(group, m => m.Controlled)!,
            TargetSummary.Of(group, m => m.Free))),
    ];
}

/// <summary>
/// Summary of images of target prompts: each number as in <see cref="TargetMeasurement"/>, averaged over the pairs that have it.
/// </summary>
/// <param name="Outside">Difference outside the region.</param>
/// <param name="Change">Difference over the whole image.</param>
/// <param name="Structure">Agreement of edges.</param>
/// <param name="Color">Share of images whose color at the words' attention is the target's.</param>
/// <param name="Changed">Share of images in which the judge recognizes the target's value of the changed slot.</param>
/// <param name="Subject">Share of images in which the judge recognizes the target's subject.</param>
internal sealed record TargetSummary(double? Outside, double Change, double Structure, double? Color, double? Changed, double Subject)
{
    internal static TargetSummary? Of(IEnumerable<EditMeasurement> measurements, Func<EditMeasurement, TargetMeasurement?> choose)
    {
        var sides = measurements.Select(m => (m.Pair, Side: choose(m)!)).Where(m => m.Side is not null).ToList();
        return sides.Count == 0 ? null : new TargetSummary(
            sides.Average(m => m.Side.Outside),
            sides.Average(m => m.Side.Change),
            sides.Average(m => m.Side.Structure),
            Agreement.Share(sides.Select(m => m.Side.Color)),
            Agreement.Share(sides.Select(m => KindSummary.Changed(m.Pair.Kind) is { } slot ? m.Side.Judgement.Agrees(m.Pair.Target, slot) : null)),
            sides.Average(m => m.Side.Judgement.Agrees(m.Pair.Target, Slot.Subject) == true ? 1.0 : 0.0));
    }
}
