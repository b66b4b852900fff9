using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Tests.Alignment;

namespace PromptToPrompt.Editing.Tests.Prompts;

public sealed class BlendWordsTests
{
    private static readonly TokenizedPrompt[] Prompts =
        [ToyPrompt.Of("a cat, a red hat"), ToyPrompt.Of("a rhi|no, a hat"), ToyPrompt.Of("a Dog")];

    // Token positions of the source, the first and the second target.
    [Theory]
    [InlineData("cat,hat", "2,6 6 ")]
    [InlineData("rhino", " 2,3 ")]
    [InlineData("hat, red hat", "5,6 6 ")]
    [InlineData("cat:rhino:dog", "2 2,3 2")]
    [InlineData("cat,hat:rhino,hat:dog", "2,6 2,3,6 2")]
    [InlineData(":rhino:dog", " 2,3 2")]
    public void FindsTokensOfEachPrompt(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', BlendWords.Parse(text).Find(Prompts, "Blend").Select(places => string.Join(',', places))));

    [Theory]
    [InlineData("")]
    [InlineData(" , ")]
    [InlineData("::")]
    public void RefusesNoWords(string text) => Assert.Throws<InvalidInputException>(() => BlendWords.Parse(text));

    [Theory]
    [InlineData("tiger", "\"tiger\" is in none of the prompts", "\"Dog\"")]
    [InlineData("tiger:rhino:dog", "\"tiger\" is not in the source prompt \"", "Use one of its words: ")]
    [InlineData("cat:cat:dog", "\"cat\" is not in target prompt 1 \"", "\"rhino,\"")]
    [InlineData("cat:rhino:tiger", "\"tiger\" is not in target prompt 2 \"", "\"Dog\"")]
    [InlineData("cat:rhino", "2 lists of words for 3 prompts", "one list per prompt")]
    public void RefusesWordsThatAreNotThere(string text, string what, string help)
    {
        var exception = Assert.Throws<InvalidInputException>(() => BlendWords.Parse(text).Find(Prompts, "BlendSubtract"));
        Assert.Equal("BlendSubtract", exception.Setting);
        Assert.Contains(what, exception.Message, StringComparison.Ordinal);
        Assert.Contains(help, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cat, hat", "cat,hat", true)]
    [InlineData("cat:dog", "cat:dog", true)]
    [InlineData("cat:dog", "cat,dog", false)]
    [InlineData("cat,hat", "hat,cat", false)]
    [InlineData("cat", "Cat", false)]
    public void EqualListsAreEqual(string one, string other, bool areEqual)
    {
        var (a, b) = (BlendWords.Parse(one), BlendWords.Parse(other));
        Assert.Equal(areEqual, a.Equals(b));
        Assert.Equal(areEqual, a.GetHashCode() == b.GetHashCode());
    }
}
