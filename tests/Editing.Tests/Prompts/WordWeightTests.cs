using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Tests.Prompts;

public sealed class WordWeightTests
{
    [Theory]
    [InlineData("snow=1.5", "snow", 1.5f)]
    [InlineData("heavy snow = -2", "heavy snow", -2)]
    [InlineData("e=mc2=.5", "e=mc2", .5f)]
    [InlineData("snow=15e-1", "snow", 1.5f)]
    public void ReadsAWordAndANumber(string text, string word, float weight) =>
        Assert.Equal(new WordWeight(word, weight), WordWeight.Parse(text));

    [Theory]
    [InlineData("snow")]
    [InlineData("snow=")]
    [InlineData("=2")]
    [InlineData("snow=1,5")]
    [InlineData("snow=NaN")]
    [InlineData("snow=Infinity")]
    public void RefusesAnythingElse(string text)
    {
        var exception = Assert.Throws<InvalidInputException>(() => WordWeight.Parse(text));
        Assert.Contains($"\"{text}\"", exception.Message, StringComparison.Ordinal);
    }
}
