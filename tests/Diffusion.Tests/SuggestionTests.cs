namespace PromptToPrompt.Diffusion.Tests;

public sealed class SuggestionTests
{
    private static readonly string[] Names = ["generate", "edit", "inpaint", "learn-concept"];

    [Theory]
    [InlineData("edti", "edit")]
    [InlineData("Edit", "edit")]
    [InlineData("genrate", "generate")]
    [InlineData("gen", "generate")]
    [InlineData("learn", "learn-concept")]
    [InlineData("xyz", null)]
    [InlineData("e", null)]
    public void TheNearestNameIsSuggested(string typed, string? expected) => Assert.Equal(expected, Suggestion.For(typed, Names));

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    [InlineData(1_000_000, false)]
    public void LongTextsAreNotCompared(int length, bool isCompared)
    {
        var name = new string('x', length);
        Assert.Equal(isCompared ? name : null, Suggestion.For(name, [name]));
    }

    [Theory]
    [InlineData("edti", "Did you mean edit? Use edit, generate or learn.")]
    [InlineData("xyz", "Use edit, generate or learn.")]
    public void AdviceHasTheNearestNameAndAll(string typed, string expected) => Assert.Equal(expected, Suggestion.Advice(typed, "edit", "generate", "learn"));

    [Theory]
    [InlineData("edit", "edit", 0)]
    [InlineData("edti", "edit", 1)]
    [InlineData("paint", "inpaint", 2)]
    [InlineData("", "edit", 4)]
    [InlineData("ab", "ba", 1)]
    [InlineData("learn-cocnept", "learn-concept", 1)]
    [InlineData("kitten", "sitting", 3)]
    public void DistanceCountsChangedLetters(string one, string other, int expected)
    {
        Assert.Equal(expected, Suggestion.Distance(one, other));
        Assert.Equal(expected, Suggestion.Distance(other, one));
    }
}
