using CsCheck;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Tests.Text;

public sealed class WordSearchTests
{
    private static readonly ClipTokenizer Tokenizer = SmallVocabulary.Tokenizer;

    [Theory]
    [InlineData("a photo of a cat", "cat", new[] { 5 })]
    [InlineData("a photo of a cat", "CAT", new[] { 5 })]
    [InlineData("a photo of a cat", " cat\n", new[] { 5 })]
    [InlineData("A photo of a cat", "a", new[] { 1, 4 })]
    [InlineData("a Cat, a dog", "cat", new[] { 2 })]
    [InlineData("a Cat, a dog", "cat,", new[] { 2, 3 })]
    [InlineData("a Cat, a dog", "\"cat\"", new[] { 2 })]
    [InlineData("a \"cat\" (dog)", "cat", new[] { 3 })]
    [InlineData("a cat, a cat", "cat", new[] { 2, 5 })]
    [InlineData("a cat, a cat", "cat,", new[] { 2, 3, 5 })]
    [InlineData("the children's hat", "children's", new[] { 2, 3 })]
    [InlineData("a pencil sketch, a pencil", "pencil sketch", new[] { 2, 3 })]
    [InlineData("a Pencil  sketch, a pencil", "a pencil sketch,", new[] { 1, 2, 3, 4 })]
    [InlineData("cat cat cat", "cat cat", new[] { 1, 2, 3 })]
    [InlineData("a cat -- a dog", "--", new[] { 3, 4 })]
    [InlineData("a CAFE\u0301 by the sea", "café", new[] { 2 })]
    public void FindsEveryPlaceWhateverTheCaseAndPunctuation(string prompt, string word, int[] positions) =>
        Assert.Equal(positions, Tokenizer.Tokenize(prompt).Find(word));

    [Fact]
    public void AWordWithSeveralTokensGivesAllOfThem()
    {
        var prompt = Tokenizer.Tokenize("a zebra, a cat");
        var word = prompt.Words[1];
        Assert.Equal(word.BareTokens, prompt.Find("zebra"));
        Assert.Equal(word.Tokens.Count - 1, word.BareTokens.Count);
        Assert.True(word.BareTokens.Count > 1);
    }

    [Fact]
    public void AWordThatIsNotThereIsRefusedWithThoseThatAre()
    {
        var error = Assert.Throws<InvalidInputException>(() => Tokenizer.Tokenize("a cat, a dog").Find("lion"));
        Assert.Equal("\"lion\" is not in the prompt \"a cat, a dog\". Use one of its words: \"a\", \"cat,\", \"dog\".", error.Message);
    }

    [Theory]
    [InlineData("ca")]
    [InlineData("cat a")]
    [InlineData("dog a cat, a dog")]
    public void APartOfAWordOrABrokenPhraseIsNotThere(string word)
    {
        var prompt = Tokenizer.Tokenize("a cat by a dog");
        Assert.Throws<InvalidInputException>(() => prompt.Find(word));
        Assert.False(prompt.TryFind(word, out var tokens));
        Assert.Empty(tokens);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    public void AnEmptyWordIsRefused(string word)
    {
        var error = Assert.Throws<InvalidInputException>(() => Tokenizer.Tokenize("a cat").Find(word));
        Assert.Equal("A word is empty. Use one of its words: \"a\", \"cat\".", error.Message);
    }

    [Fact]
    public void AnEmptyPromptHasNoWords()
    {
        var error = Assert.Throws<InvalidInputException>(() => Tokenizer.Tokenize(" ").Find("cat"));
        Assert.Equal("\"cat\" is not in the prompt, which has no words.", error.Message);
    }

    [Fact]
    public void ATruncatedWordIsSaidToBeTruncated()
    {
        var prompt = new ClipTokenizer(SmallVocabulary.Fixture.Train(), maxLength: 6).Tokenize("a photo of a Cat, a dog");
        Assert.Equal([1, 4], prompt.Find("a"));
        Assert.Equal([3, 4], prompt.Find("of a"));
        foreach (var word in new[] { "cat", "dog", "a cat" })
        {
            var error = Assert.Throws<InvalidInputException>(() => prompt.Find(word));
            Assert.StartsWith($"\"{word}\" is in the part of the prompt that was cut off: the model reads 6 tokens.", error.Message);
        }
    }

    [Fact]
    public void EveryWordOfAnyPromptIsFoundByItsOwnName() => UnicodeStrings.Any.Sample(text =>
    {
        var prompt = Tokenizer.Tokenize(text);
        foreach (var word in prompt.Words)
            Assert.Subset(prompt.Find(word.Text).ToHashSet(), word.Tokens.ToHashSet());
    });

    [Fact]
    public void AnyQueryIsAnsweredOrRefusedInOneShortLine() =>
        Gen.Select(UnicodeStrings.Any, UnicodeStrings.Any).Sample((text, word) =>
        {
            var prompt = Tokenizer.Tokenize(text);
            if (prompt.TryFind(word, out var tokens))
                Assert.Equal(tokens, prompt.Find(word));
            else
                Assert.DoesNotContain('\n', Assert.Throws<InvalidInputException>(() => prompt.Find(word)).Message);
        });
}
