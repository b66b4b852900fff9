namespace PromptToPrompt.Diffusion.Tests;

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
    [InlineData("edti", "Did you mean edit? Use edit, generate or learn.")]
    [InlineData("xyz", "Use edit, generate or learn.")]
    public void AdviceHasTheNearestNameAndAll(string typed, string expected) => Assert.Equal(expected, Suggestion.Advice(typed, "edit", "generate", "learn"));

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
