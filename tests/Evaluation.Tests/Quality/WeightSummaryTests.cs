using PromptToPrompt.Evaluation.Quality;

namespace PromptToPrompt.Evaluation.Tests.Quality;

public sealed class WeightSummaryTests
{
    [Fact]
    public void TheUsefulRangeEndsAtTheFirstWeightThatDoesHarm()
    {
        var summaries = new[]
        {
            At(-2, kept: 1), At(-1, kept: 0.5), At(0, kept: 0.8), At(1), At(2, strength: 1.2), At(3, strength: 1.3), At(4),
        };
        Assert.Equal((0f, 2f), WeightSummary.UsefulRange(summaries));
    }

    [Fact]
    public void LatentsThatFadeAreHarmToo() => Assert.False(At(0, strength: 0.7).IsHarmless);

    private static WeightSummary At(float weight, double kept = 1, double strength = 1) =>
        new(weight, Presence: 1, Change: 0, Structure: 1, Strength: strength, SubjectKept: kept);
}
