using PromptToPrompt.Editing.Alignment;

namespace PromptToPrompt.Editing.Tests.Alignment;

public sealed class NaiveAlignmentTests
{
    [Fact]
    public void MatchesByPositionWhateverTheWords()
    {
        var alignment = NaiveAlignment.Create(ToyPrompt.Of("a cat"), ToyPrompt.Of("a red hip|po on a beach"));
        for (var s = 0; s < alignment.Length; s++)
            for (var t = 0; t < alignment.Length; t++)
                Assert.Equal(s == t ? 1 : 0, alignment.Mapper[s * alignment.Length + t]);
        Assert.All(alignment.Counterpart, a => Assert.Equal(1, a));
    }
}
