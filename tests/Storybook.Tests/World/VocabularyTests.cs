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

    [Fact]
    public void TheDocumentationListsAllWords()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "docs", "storybook.md")))
            folder = folder.Parent!;
        var listed = File.ReadAllText(Path.Combine(folder.FullName, "docs", "storybook.md")).Split("## Words")[^1];
        Assert.Equal(string.Join(' ', Vocabulary.Words), string.Join(' ', listed.Split((char[])[' ', ',', '\n'], StringSplitOptions.RemoveEmptyEntries)));
    }

    private static ClipTokenizer Tokenizer() => new(BpeTrainer.Train(Vocabulary.Words, StorybookArchitecture.Merges));

    [Fact]
    public void WordsAreDistinctAndBare()
    {
        Assert.InRange(Vocabulary.Words.Count, 80, 200);
        Assert.Equal(Vocabulary.Words.Count, Vocabulary.Words.Distinct().Count());
        Assert.All(Vocabulary.Words, word => Assert.Matches("^[a-z']+$", word));
    }
}
