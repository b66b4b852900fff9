using PromptToPrompt.Evaluation.Judging;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>How often the judge recognizes the prompts' content in source images.</summary>
/// <param name="Slot">The judged slot.</param>
/// <param name="Images">Number of images whose prompts specify it, or leave it at its default.</param>
/// <param name="Right">Share of them in which the judge recognizes it.</param>
internal sealed record Agreement(Slot Slot, int Images, double Right)
{
    /// <summary>Summarizes the source images of measurements, slot by slot.</summary>
    public static IReadOnlyList<Agreement> OfSources(IReadOnlyCollection<EditMeasurement> measurements) =>
    [
        .. Slots.All.Select(slot => (Slot: slot, Answers: measurements.Select(m => m.Judgement.Agrees(m.Pair.Source, slot)).Where(answer => answer is not null).ToList()))
            .Where(s => s.Answers.Count > 0)
            .Select(s => new Agreement(s.Slot, s.Answers.Count, Share(s.Answers)!.Value)),
    ];

    /// <summary>Share of positive answers; null if there are none.</summary>
    internal static double? Share(IEnumerable<bool?> answers) => answers.Average(answer => answer is { } yes ? yes ? 1.0 : 0.0 : (double?)null);
}
