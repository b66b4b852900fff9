using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Storybook.Tests.World;

public sealed class VocabularyTests
{
    [Fact]
    public void EveryCaptionIsKnown()
    {
        var words = EditPairs.Make(200, seed: 9).SelectMany(pair => $"{pair.SourcePrompt} {pair.TargetPrompt}".Split(' ')).Select(word => word.Trim(','));
        Assert.Empty(words.Except(Vocabulary.Words));
    }

    /// <summary>The file beside the embedded model is what its training exports.</summary>
    [Fact]
    public void TheModelsWordsAreTheWorlds() =>
        Assert.Equal(WordChoices.ToJson(), File.ReadAllText(Path.Combine(Repository("models"), "models", "storybook", WordChoices.FileName)));

    [Fact]
    public void TheDocumentationListsAllWords()
    {
        var listed = File.ReadAllText(Path.Combine(Repository("docs"), "docs", "storybook.md")).Split("## Words")[^1];
        Assert.Equal(string.Join(' ', Vocabulary.Words), string.Join(' ', listed.Split((char[])[' ', ',', '\n'], StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public void WordsAreDistinctAndBare()
    {
        Assert.InRange(Vocabulary.Words.Count, 80, 200);
        Assert.Equal(Vocabulary.Words.Count, Vocabulary.Words.Distinct().Count());
        Assert.All(Vocabulary.Words, word => Assert.Matches("^[a-z']+$", word));
    }

    // The folder above the tests that has a certain folder.
    private static string Repository(string child)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!Directory.Exists(Path.Combine(folder.FullName, child)))
            folder = folder.Parent!;
        return folder.FullName;
    }
}
