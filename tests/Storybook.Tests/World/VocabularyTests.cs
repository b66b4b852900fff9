using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Storybook.Training;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Storybook.Tests.World;

public sealed class VocabularyTests
{
    [Fact]
    public void EveryCaptionIsKnown()
    {
        var tokenizer = Tokenizer();
        Assert.All(EditPairs.Make(200, seed: 9), pair => Assert.Empty(Vocabulary.Unknown(tokenizer.Tokenize($"{pair.SourcePrompt}, {pair.TargetPrompt}."))));
    }

    [Fact]
    public void OtherWordsAreNamedOnceAsTheyWereWritten() =>
        Assert.Equal(["Zebra", "astronaut"], Vocabulary.Unknown(Tokenizer().Tokenize("A Zebra, a cat - a photo of an astronaut on a Zebra!")));

    private static ClipTokenizer Tokenizer() => new(BpeTrainer.Train(Vocabulary.Words, StorybookArchitecture.Merges));

    [Fact]
    public void WordsAreDistinctAndBare()
    {
        Assert.InRange(Vocabulary.Words.Count, 80, 200);
        Assert.Equal(Vocabulary.Words.Count, Vocabulary.Words.Distinct().Count());
        Assert.All(Vocabulary.Words, word => Assert.Matches("^[a-z']+$", word));
    }
}
