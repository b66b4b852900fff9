using CsCheck;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Tests.Text;

public sealed class AddedTokenTests
{
    private static readonly ClipTokenizer Plain = SmallVocabulary.Tokenizer;
    private static readonly int First = Plain.VocabularySize;
    private static readonly ClipTokenizer Tokenizer =
        Plain.With([new AddedToken("<cat-toy>", First, 3), new AddedToken("MyStyle", First + 3, 1), new AddedToken("MyStyle2", First + 4, 1)]);

    [Fact]
    public void AnAddedWordHasItsIdsAndItsPlace()
    {
        var prompt = Tokenizer.Tokenize("a (<Cat-Toy>), mystyle!");
        var word = prompt.Words[1];
        Assert.Equal("(<Cat-Toy>),", word.Text);
        Assert.Equal([First, First + 1, First + 2], word.BareTokens.Select(position => prompt.Ids[position]));
        Assert.True(word.Tokens.Count > 3);
        Assert.Equal(["<cat-toy>", "<cat-toy>#2", "<cat-toy>#3"], word.BareTokens.Select(position => prompt.Tokens[position]));
        Assert.Equal(word.BareTokens, prompt.Find("<cat-toy>"));
        Assert.Equal(First + 3, prompt.Ids[Assert.Single(prompt.Words[2].BareTokens)]);
        Assert.Equal(First + 5, Tokenizer.VocabularySize);
        Assert.Equal("a <cat-toy> MyStyle", Tokenizer.Decode(Tokenizer.Encode("a <cat-toy> mystyle")));
    }

    [Theory]
    [InlineData("mystyle", true)]
    [InlineData("MYSTYLE,", true)]
    [InlineData("\"mystyle\"", true)]
    [InlineData("mystyle-like", true)]
    [InlineData("mystyles", false)]
    [InlineData("amystyle", false)]
    [InlineData("mystyle3", false)]
    public void APartOfALongerWordIsNotMeant(string text, bool predicate) =>
        Assert.Equal(predicate, Tokenizer.Encode(text).Contains(First + 3));

    [Fact]
    public void TheLongerOfTwoIsMeant() => Assert.Equal([First + 4], Tokenizer.Encode("mystyle2").Skip(1).SkipLast(1).ToList());

    [Fact]
    public void WordsThatWereNotAddedStayAsTheyWere() =>
        UnicodeStrings.Any.Where(text => !text.Contains("style", StringComparison.OrdinalIgnoreCase)).Sample(text =>
        {
            var (before, after) = (Plain.Tokenize(text), Tokenizer.Tokenize(text));
            Assert.Equal(before.Ids, after.Ids);
            Assert.Equal(before.Words.Select(word => (word.Text, string.Join(' ', word.Tokens), string.Join(' ', word.BareTokens))),
                after.Words.Select(word => (word.Text, string.Join(' ', word.Tokens), string.Join(' ', word.BareTokens))));
        });

    [Fact]
    public void AWordThatDoesNotFitIsCutOffWhole()
    {
        var prompt = Tokenizer.Tokenize(string.Concat(Enumerable.Repeat("1 ", 74)) + "<cat-toy>");
        Assert.Equal(["<cat-toy>"], prompt.Truncated);
        Assert.Equal(Tokenizer.EndId, prompt.Ids[^1]);
    }
}
