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
    public void Finds_every_place_whatever_the_case_and_punctuation(string prompt, string word, int[] positions) =>
        Assert.Equal(positions, Tokenizer.Tokenize(prompt).Find(word));

    [Fact]
    public void A_word_with_several_tokens_gives_all_of_them()
    {
        var prompt = Tokenizer.Tokenize("a zebra, a cat");
        var word = prompt.Words[1];
        Assert.Equal(word.BareTokens, prompt.Find("zebra"));
        Assert.Equal(word.Tokens.Count - 1, word.BareTokens.Count);
        Assert.True(word.BareTokens.Count > 1);
    }

    [Fact]
    public void A_word_that_is_not_there_is_refused_with_those_that_are()
    {
        var error = Assert.Throws<InvalidInputException>(() => Tokenizer.Tokenize("a cat, a dog").Find("lion"));
        Assert.Equal("\"lion\" is not in the prompt. Use one of its words: \"a\", \"cat,\", \"dog\".", error.Message);
    }

    [Theory]
    [InlineData("ca")]
    [InlineData("cat a")]
    [InlineData("dog a cat, a dog")]
    public void A_part_of_a_word_or_a_broken_phrase_is_not_there(string word)
    {
        var prompt = Tokenizer.Tokenize("a cat by a dog");
        Assert.Throws<InvalidInputException>(() => prompt.Find(word));
        Assert.False(prompt.TryFind(word, out var tokens));
        Assert.Empty(tokens);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    public void An_empty_word_is_refused(string word)
    {
        var error = Assert.Throws<InvalidInputException>(() => Tokenizer.Tokenize("a cat").Find(word));
        Assert.Equal("A word is empty. Use one of its words: \"a\", \"cat\".", error.Message);
    }

    [Fact]
    public void An_empty_prompt_has_no_words()
    {
        var error = Assert.Throws<InvalidInputException>(() => Tokenizer.Tokenize(" ").Find("cat"));
        Assert.Equal("\"cat\" is not in the prompt. The prompt has no words.", error.Message);
    }

    [Fact]
    public void A_truncated_word_is_said_to_be_truncated()
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
    public void Every_word_of_any_prompt_is_found_by_its_own_name() => UnicodeStrings.Any.Sample(text =>
    {
        var prompt = Tokenizer.Tokenize(text);
        foreach (var word in prompt.Words)
            Assert.Subset(prompt.Find(word.Text).ToHashSet(), word.Tokens.ToHashSet());
    });

    [Fact]
    public void Any_query_is_answered_or_refused_in_one_short_line() =>
        Gen.Select(UnicodeStrings.Any, UnicodeStrings.Any).Sample((text, word) =>
        {
            var prompt = Tokenizer.Tokenize(text);
            if (prompt.TryFind(word, out var tokens))
                Assert.Equal(tokens, prompt.Find(word));
            else
                Assert.DoesNotContain('\n', Assert.Throws<InvalidInputException>(() => prompt.Find(word)).Message);
        });
}
