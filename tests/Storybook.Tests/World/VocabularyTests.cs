using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Storybook.Tests.World;

public sealed class VocabularyTests
{
    [Fact]
    public void WordsAreDistinctAndBare()
    {
        Assert.InRange(Vocabulary.Words.Count, 80, 200);
        Assert.Equal(Vocabulary.Words.Count, Vocabulary.Words.Distinct().Count());
        Assert.All(Vocabulary.Words, word => Assert.Matches("^[a-z']+$", word));
    }
}
