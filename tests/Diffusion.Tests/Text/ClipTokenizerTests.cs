using CsCheck;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Tests.Text;

public sealed class ClipTokenizerTests
{
    private static readonly ClipTokenizer Tokenizer = SmallVocabulary.Tokenizer;

    public static TheoryData<string, string> SameTokens => new()
    {
        { "Caf\u0065\u0301", "café" },
        { "a\u0323\u0302", "\u1EAD" },
        { "a\u0302\u0323", "\u1EAD" },
        { "\u1112\u1161\u11AB", "한" },
        { "\uD558\u11AB", "한" },
        { "\u212B", "å" },
        { "\u0130", "i\u0307" },
        { "ΦΩΣ ΣΑΣ. ΑΣ'Α Σ", "φως σας. ασ'α σ" },
        { "\uD83D", "\uFFFD" },
        { "  a\u3000 \u0085cat\n", "a cat" },
    };

    [Fact]
    public void IdsAreThoseOfThePublishedAlgorithm()
    {
        foreach (var (text, ids) in SmallVocabulary.Fixture.Cases)
            Assert.Equal((text, string.Join(' ', ids)), (text, string.Join(' ', Tokenizer.Encode(text))));
    }

    [Theory]
    [MemberData(nameof(SameTokens))]
    public void CaseWhiteSpaceAndCompositionDoNotCount(string text, string same) =>
        Assert.Equal(Tokenizer.Encode(same), Tokenizer.Encode(text));

    [Fact]
    public void APromptHasItsWordsWithThePositionsOfTheirTokens()
    {
        var prompt = Tokenizer.Tokenize("A dog, wearing the \"Hat\" 🐱!");
        Assert.Equal("A dog, wearing the \"Hat\" 🐱!", prompt.Text);
        Assert.Equal(["A", "dog,", "wearing", "the", "\"Hat\"", "🐱!"], prompt.Words.Select(word => word.Text));
        Assert.Equal([1], prompt.Words[0].Tokens);
        Assert.Equal([2, 3], prompt.Words[1].Tokens);
        Assert.Equal([2], prompt.Words[1].BareTokens);
        Assert.Equal([6, 7, 8], prompt.Words[4].Tokens);
        Assert.Equal([7], prompt.Words[4].BareTokens);
        // The cat is four bytes of one piece with the "!", which this vocabulary does not merge.
        Assert.Equal([9, 10, 11, 12, 13], prompt.Words[5].Tokens);
        Assert.Equal([9, 10, 11, 12], prompt.Words[5].BareTokens);
        Assert.Equal(["<|startoftext|>", "a", "dog", ",", "wearing", "the", "\"", "hat", "\""], prompt.Tokens.Take(9));
        Assert.Equal("<|endoftext|>", prompt.Tokens[^1]);
        Assert.Equal(15, prompt.Length);
        Assert.Empty(prompt.Truncated);
        Assert.Equal(77, prompt.Ids.Count);
        Assert.All(prompt.Ids.Skip(14), id => Assert.Equal(Tokenizer.EndId, id));
    }

    [Fact]
    public void AWordOfPunctuationAloneIsItsOwnBareWord()
    {
        var word = Assert.Single(Tokenizer.Tokenize("\"--\"").Words);
        Assert.Equal(word.Tokens, word.BareTokens);
    }

    [Fact]
    public void WordsThatFallOffWhollyOrPartlyAreNamed()
    {
        var tokenizer = new ClipTokenizer(SmallVocabulary.Fixture.Train(), maxLength: 6);
        var prompt = tokenizer.Tokenize("a photo of xyz cat");
        Assert.Equal(["a", "photo", "of"], prompt.Words.Select(word => word.Text));
        Assert.Equal(["xyz", "cat"], prompt.Truncated);
        Assert.Equal(6, prompt.Ids.Count);
        Assert.Equal([.. tokenizer.Encode("a photo of xyz").Take(5), tokenizer.EndId], prompt.Ids);
        Assert.Equal(["<|startoftext|>", "a", "photo", "of", "x", "<|endoftext|>"], prompt.Tokens);
    }

    [Fact]
    public void TheShortestModelTruncatesEverything()
    {
        var prompt = new ClipTokenizer(SmallVocabulary.Fixture.Train(), maxLength: 2).Tokenize("a cat");
        Assert.Equal([Tokenizer.StartId, Tokenizer.EndId], prompt.Ids);
        Assert.Equal(["a", "cat"], prompt.Truncated);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ClipTokenizer(SmallVocabulary.Fixture.Train(), maxLength: 1));
    }

    [Fact]
    public void AnyTextBecomesAWellFormedPrompt() => UnicodeStrings.Any.Sample(text =>
    {
        var prompt = Tokenizer.Tokenize(text);
        var inside = prompt.Length - 2;
        Assert.Equal(Tokenizer.MaxLength, prompt.Ids.Count);
        Assert.Equal(Tokenizer.StartId, prompt.Ids[0]);
        Assert.Equal(Tokenizer.EndId, prompt.Ids[inside + 1]);
        Assert.All(prompt.Ids.Skip(inside + 2), id => Assert.Equal(Tokenizer.PadId, id));

        // The words are those of the text, and their tokens follow one another without a gap or an overlap.
        Assert.Equal(UnicodeStrings.Words(text), prompt.Words.Select(word => word.Text).Concat(prompt.Truncated));
        var positions = prompt.Words.SelectMany(word => word.Tokens).ToArray();
        Assert.Equal(Enumerable.Range(1, positions.Length), positions);
        Assert.True(prompt.Truncated.Count > 0 || positions.Length == inside);
        Assert.All(prompt.Words, word =>
        {
            Assert.NotEmpty(word.BareTokens);
            Assert.Equal(Enumerable.Range(word.BareTokens[0], word.BareTokens.Count), word.BareTokens);
            Assert.Subset(word.Tokens.ToHashSet(), word.BareTokens.ToHashSet());
        });
    });

    [Fact]
    public void AnyTextIsEncodedBetweenStartAndEndByKnownIds() => UnicodeStrings.Any.Sample(text =>
    {
        var ids = Tokenizer.Encode(text);
        Assert.Equal(Tokenizer.StartId, ids[0]);
        Assert.Equal(Tokenizer.EndId, ids[^1]);
        Assert.All(ids, id => Assert.InRange(id, 0, Tokenizer.VocabularySize - 1));
        Assert.Equal(ids, Tokenizer.Encode(text));
        var prompt = Tokenizer.Tokenize(text);
        Assert.Equal(ids.Take(prompt.Length - 1), prompt.Ids.Take(prompt.Length - 1));
        Assert.Equal(ids.Count > Tokenizer.MaxLength, prompt.Truncated.Count > 0);
    });

    [Fact]
    public void LettersComeBackLowerCasedWithSingleSpaces() => UnicodeStrings.Letters.Sample(text =>
        Assert.Equal(string.Join(' ', UnicodeStrings.Words(text)).ToLowerInvariant(), Tokenizer.Decode(Tokenizer.Encode(text))));

    [Fact]
    public void CharactersCutIntoSeveralTokensComeBackWhole()
    {
        var ids = Tokenizer.Encode("漢字 🐱");
        Assert.Equal("漢字 🐱", Tokenizer.Decode(ids));
        Assert.Equal("\uFFFD", Tokenizer.Decode(ids[1]));
    }

    [Fact]
    public void DecodingRefusesIdsThatDoNotExist()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokenizer.Decode(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokenizer.Decode(Tokenizer.VocabularySize));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokenizer.Decode([1, Tokenizer.VocabularySize]));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("\u0301")]
    [InlineData("Σ'")]
    [InlineData("🐱")]
    [InlineData("<|endoftext|>")]
    public void AVeryLongWordTakesLinearTime(string part)
    {
        var started = System.Diagnostics.Stopwatch.StartNew();
        Tokenizer.Encode(string.Concat(Enumerable.Repeat(part, 200_000)));
        // Less than a second; quadratic time would be many minutes.
        Assert.True(started.Elapsed < TimeSpan.FromMinutes(2), $"{started.Elapsed}");
    }

    [Fact]
    public void ManyDifferentWordsOnManyThreadsAgreeWithOne()
    {
        var texts = Enumerable.Range(0, 60_000).Select(i => $"cat{i} dog").ToArray();
        var ids = new IReadOnlyList<int>[texts.Length];
        Parallel.For(0, texts.Length, i => ids[i] = Tokenizer.Encode(texts[i]));
        for (var i = 0; i < texts.Length; i += 997)
            Assert.Equal(Tokenizer.Encode(texts[i]), ids[i]);
    }
}
