using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Drafts;

public sealed class DraftTests
{
    private static readonly Draft Draft = Draft.Of("a white house in a field");

    [Fact]
    public void TheMethodOfAnEditStaysAndTakesNoWindows()
    {
        var edit = new EditedRecipe { Source = "1", Prompt = "a red house", Method = "masactrl", ShareStart = 0.2 };
        var again = (Draft.Of("a white house", edit) with { SelfSteps = "0.1" }).Recipe("1");
        Assert.Equal(("masactrl", 0.2, "a red house"), (again.Method, again.ShareStart, again.Prompt));
        Assert.Equal(EditedRecipe.DefaultSelfSteps, again.SelfSteps);
        Assert.Equal("0.1", (Draft.Of("a white house", edit) with { SelfSteps = "0.1", Method = null }).Recipe("1").SelfSteps);
    }

    [Fact]
    public void NothingIsDoneAtFirst()
    {
        Assert.True(Draft.IsUnchanged);
        Assert.Equal("a white house in a field", Draft.Prompt);
    }

    [Fact]
    public void WordsAreSwappedAddedTakenOutAndWeighted()
    {
        var changed = Draft.Swap(1, "red").Weigh(2, 1.5).Remove(4).Insert(6, "at night");
        Assert.Equal("a red (house:1.5) in field at night", changed.Prompt);
        Assert.Equal("a red house in field at night", changed.Text);
        Assert.False(changed.IsUnchanged);
    }

    [Fact]
    public void EverythingCanBeUndone()
    {
        var changed = Draft.Swap(1, "red").Weigh(2, -2).Remove(4).Insert(0, "a photo of");
        var restored = changed.Restore(0).Restore(1).Restore(2).Restore(4);
        Assert.True(restored.IsUnchanged);
    }

    [Fact]
    public void ParenthesesOfTheWriterStayParentheses() => Assert.Equal("a \\(red\\) house", Draft.Of("a house").Insert(1, "(red)").Prompt);

    [Fact]
    public void AWordConfinesByItsNamesInBothPrompts() =>
        Assert.Equal("white:red", Draft.Swap(1, "red").Confine(1, true).Recipe("s").Blend);

    [Fact]
    public void WordsKnowTheirPlacesInBothPrompts()
    {
        var changed = Draft.Insert(0, "a photo of").Swap(2, "small red");
        Assert.Equal(0, changed.IndexInEdit(0));
        Assert.Null(changed.IndexInSource(0));
        Assert.Equal(3, changed.IndexInEdit(1));
        Assert.Equal(6, changed.IndexInEdit(3));
        Assert.Equal(2, changed.IndexInSource(3));
    }

    [Fact]
    public void EveryWordThatMeansSomethingHasARegion() =>
        Assert.Equal(["cat", "red", "house", "at night"], Draft.Of("a cat, with the red house in").Insert(6, "at night").Words.Where(word => word.HasRegion).Select(word => word.Text!.TrimEnd(',')));

    [Fact]
    public void TheLastWordsAreCountedInTheEdit()
    {
        var changed = Draft.Remove(5).Insert(6, "at night");
        Assert.Equal([false, false, false, false, true, false, true], Enumerable.Range(0, 7).Select(index => changed.IsAmongLast(index, 3)));
    }

    [Fact]
    public void ARecipeGivesBackTheDraftItWasMadeFrom()
    {
        var changed = Draft.Swap(1, "red").Weigh(2, 1.5).Time(2, "0.3").Confine(2, true).Insert(6, "at night") with { SelfSteps = "0.1..0.5" };
        var found = Draft.Of("a white house in a field", changed.Recipe("s"));
        Assert.Equal(StudioJson.Write(changed.Recipe("s")), StudioJson.Write(found.Recipe("s")));
        Assert.Equal(changed.Words, found.Words);
    }
}
