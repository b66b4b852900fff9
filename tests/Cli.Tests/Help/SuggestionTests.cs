using PromptToPrompt.Cli.Help;

namespace PromptToPrompt.Cli.Tests.Help;

public sealed class SuggestionTests
{
    private static readonly string[] Names = ["generate", "edit", "inpaint", "learn-concept", "--steps", "--guidance", "--guidance-rescale", "--output", "--to"];

    [Theory]
    [InlineData("edti", "edit")]
    [InlineData("Edit", "edit")]
    [InlineData("genrate", "generate")]
    [InlineData("gen", "generate")]
    [InlineData("learn", "learn-concept")]
    [InlineData("--step", "--steps")]
    [InlineData("--guidnace", "--guidance")]
    [InlineData("--rescale", null)]
    [InlineData("steps", null)]
    [InlineData("xyz", null)]
    [InlineData("-x", null)]
    public void TheNearestNameIsSuggested(string typed, string? expected) => Assert.Equal(expected, Suggestion.For(typed, Names));

    [Theory]
    [InlineData("edit", "edit", 0)]
    [InlineData("edti", "edit", 1)]
    [InlineData("paint", "inpaint", 2)]
    [InlineData("", "edit", 4)]
    public void DistanceCountsChangedLetters(string one, string other, int expected)
    {
        Assert.Equal(expected, Suggestion.Distance(one, other));
        Assert.Equal(expected, Suggestion.Distance(other, one));
    }
}
