using PromptToPrompt.Studio.Pages;

namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class HistoryTests
{
    private readonly History<string> history = new();

    [Fact]
    public void UndoAndRedoGoBackAndForth()
    {
        Assert.False(history.CanUndo);
        history.Remember("a");
        history.Remember("b");
        Assert.Equal("b", history.Undo("c"));
        Assert.Equal("a", history.Undo("b"));
        Assert.False(history.CanUndo);
        Assert.Equal("b", history.Redo("a"));
        Assert.Equal("c", history.Redo("b"));
        Assert.False(history.CanRedo);
    }

    [Fact]
    public void AChangeForgetsWhatWasUndone()
    {
        history.Remember("a");
        history.Undo("b");
        history.Remember("a");
        Assert.False(history.CanRedo);
    }

    [Fact]
    public void AChangeThatCameToNothingIsSkipped()
    {
        history.Remember("a");
        history.Remember("b");
        Assert.Equal("a", history.Undo("b"));
        Assert.Equal("a", history.Undo("a"));
    }
}
