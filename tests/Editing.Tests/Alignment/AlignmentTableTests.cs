using CsCheck;
using PromptToPrompt.Editing.Alignment;

namespace PromptToPrompt.Editing.Tests.Alignment;

public sealed class AlignmentTableTests
{
    [Fact]
    public void NamesWhatEachWordTakes()
    {
        var table = TokenAlignment.Create(AlignmentKind.Refine, ToyPrompt.Of("a cat on a beach"), ToyPrompt.Of("a red cat")).Describe();
        Assert.Equal(["a", "red", "cat"], table.Rows.Select(row => row.Target));
        Assert.Equal(["a", "", "cat"], table.Rows.Select(row => string.Join('+', row.Sources)));
        Assert.Equal([false, true, false], table.Rows.Select(row => row.IsNew));
        Assert.Equal(["on", "a", "beach"], table.Dropped);
    }

    [Fact]
    public void DoesNotHideAMatchByPosition()
    {
        var table = TokenAlignment.Create(AlignmentKind.Naive, ToyPrompt.Of("a cat"), ToyPrompt.Of("a hip|po on a beach")).Describe();
        Assert.Equal(["a", "cat+(end)", "(padding)", "(padding)", "(padding)"], table.Rows.Select(row => string.Join('+', row.Sources)));
    }

    [Fact]
    public void KeepsEqualWordsApart()
    {
        var table = TokenAlignment.Create(AlignmentKind.Auto, ToyPrompt.Of("a very very red cat"), ToyPrompt.Of("a blue cat")).Describe();
        Assert.Equal(["very", "very", "red"], table.Rows[1].Sources);
    }

    [Fact]
    public void EveryPairOfPromptsHasATableOfItsTarget() => Gen.Select(ToyPrompt.Any, ToyPrompt.Any).Sample((source, target) =>
    {
        foreach (var kind in Enum.GetValues<AlignmentKind>().Where(kind => kind != AlignmentKind.Replace || SameWordCount()))
        {
            var table = TokenAlignment.Create(kind, source, target).Describe();
            Assert.Equal(target.Words.Select(word => word.Text), table.Rows.Select(row => row.Target));
        }

        bool SameWordCount() =>
            source.Text.Split(' ').Length == target.Text.Split(' ').Length && source.Text.Length > 0 == target.Text.Length > 0;
    });

    [Fact]
    public void PromptsOfDifferentModelsAreRefused() => Assert.Throws<ArgumentException>(
        () => TokenAlignment.Create(AlignmentKind.Auto, ToyPrompt.Of("a", length: 20), ToyPrompt.Of("a", length: 40)));
}
