using PromptToPrompt.Batch.Making;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Filters;

/// <summary>Keeps, of the samples of each target of an item, those with the highest score.</summary>
/// <param name="Count">How many to keep.</param>
/// <param name="Score">Name of the score.</param>
internal sealed record BestOf(int Count, string Score)
{
    /// <summary>Chooses among the pairs of an item. They keep their order.</summary>
    /// <exception cref="InvalidInputException">A pair does not have the score.</exception>
    public List<Pair> Choose(IReadOnlyList<Pair> pairs)
    {
        var best = pairs.GroupBy(pair => pair.TargetNumber).SelectMany(samples => samples.OrderByDescending(ScoreOf).ThenBy(pair => pair.Sample.Number).Take(Count)).ToHashSet();
        return [.. pairs.Where(best.Contains)];
    }

    private double ScoreOf(Pair pair) => pair.Scores.TryGetValue(Score, out var score) ? score
        : throw new InvalidInputException($"The pair {pair.Key} has no score \"{Score}\" by which the best are chosen. Its filter must give one.");
}
