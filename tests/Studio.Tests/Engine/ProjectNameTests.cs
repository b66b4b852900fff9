using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class ProjectNameTests
{
    [Theory]
    [InlineData("a house", "a house")]
    [InlineData("  a \n house ", "a house")]
    [InlineData("a white house in a field of tall grass under a blue summer sky at noon", "a white house in a field of tall grass under a blue summer…")]
    public void ItIsThePromptUpToAWholeWord(string prompt, string name) => Assert.Equal(name, ProjectName.Of(prompt));

    [Fact]
    public void AWordWithoutEndIsCutBetweenTwoCharacters()
    {
        Assert.Equal(new string('x', 60) + "…", ProjectName.Of(new string('x', 90)));
        Assert.Equal(string.Concat(Enumerable.Repeat("a", 59)) + "…", ProjectName.Of(string.Concat(Enumerable.Repeat("a", 59)) + "🏠🏠"));
    }
}
