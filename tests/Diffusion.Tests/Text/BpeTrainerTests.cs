using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Tests.Text;

public sealed class BpeTrainerTests
{
    [Fact]
    public void VocabularyHasClipsForm()
    {
        var vocabulary = SmallVocabulary.Fixture.Train();
        Assert.Equal("!", vocabulary.Tokens[0]);
        Assert.Equal("!</w>", vocabulary.Tokens[256]);
        Assert.Equal(vocabulary.Tokens.Take(256).Select(token => token + "</w>"), vocabulary.Tokens.Skip(256).Take(256));
        Assert.Equal(vocabulary.Merges.Select(merge => merge.Left + merge.Right).Distinct(), vocabulary.Tokens.Skip(512).SkipLast(2));
        Assert.Equal(["<|startoftext|>", "<|endoftext|>"], vocabulary.Tokens.TakeLast(2));
    }

    [Fact]
    public void WithEnoughMergesEveryWordIsOneToken()
    {
        var tokenizer = SmallVocabulary.Tokenizer;
        var words = SmallVocabulary.Fixture.Captions.SelectMany(UnicodeStrings.Words).Where(word => word.All(char.IsLetter));
        foreach (var word in words)
            Assert.Equal(3, tokenizer.Encode(word).Count);
    }

    [Fact]
    public void TheMostFrequentPairIsMergedFirst()
    {
        var merges = BpeTrainer.Train(["ab ab ab cd cd", "xy"], 2).Merges;
        Assert.Equal([("a", "b</w>"), ("c", "d</w>")], merges);
    }

    [Fact]
    public void OrderOfCaptionsDoesNotCount()
    {
        var forward = SmallVocabulary.Fixture.Train();
        var backward = BpeTrainer.Train(SmallVocabulary.Fixture.Captions.Reverse(), SmallVocabulary.Fixture.Merges);
        Assert.Equal(forward.Tokens, backward.Tokens);
        Assert.Equal(forward.Merges, backward.Merges);
    }

    [Fact]
    public void TwoMergesMayGiveOneToken()
    {
        // "bc" is frequent by itself and "ab" before d, so that "abc" comes about as a+bc and as ab+c.
        var captions = Enumerable.Repeat("abd abd abd abd abd xbcx xbcx xbcx xbcx xbcx xbcx abcx abcabd", 3);
        var vocabulary = BpeTrainer.Train(captions, 100);
        Assert.Equal(vocabulary.Tokens.Count, vocabulary.Tokens.Distinct().Count());
        var tokenizer = new ClipTokenizer(vocabulary);
        Assert.Equal("abcx abcabd", tokenizer.Decode(tokenizer.Encode("abcx abcabd")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    public void NoMoreMergesThanAskedFor(int merges)
    {
        Assert.Equal(merges, BpeTrainer.Train(SmallVocabulary.Fixture.Captions, merges).Merges.Count);
        Assert.Empty(BpeTrainer.Train([], merges).Merges);
    }

    [Fact]
    public void ANegativeNumberOfMergesIsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => BpeTrainer.Train([], -1));
}
