using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Drafts;

namespace PromptToPrompt.Studio.Tests.Drafts;

public sealed class SuggestionsTests
{
    private static readonly ModelWords Storybook = ModelWords.Find(Repository.Folder("models", "storybook"))!;

    [Fact]
    public void EverythingOfferedIsAWordOfTheModel()
    {
        var draft = Draft.Of("a white house in a field at night");
        var offered = Storybook.Words.SelectMany(word => Suggestions.InsteadOf(Storybook, word))
            .Concat(Enumerable.Range(0, draft.Words.Count + 1).SelectMany(index => Suggestions.Before(Storybook, draft, index)));
        Assert.NotEmpty(offered);
        Assert.Empty(offered.SelectMany(phrase => Suggestions.Unknown(Storybook, phrase, [])).Distinct());
    }

    [Fact]
    public void AWordIsOfferedOthersOfItsKindAndNotItself()
    {
        Assert.Contains("red", Suggestions.InsteadOf(Storybook, "white"));
        Assert.DoesNotContain("white", Suggestions.InsteadOf(Storybook, "white"));
        Assert.Contains("castle", Suggestions.InsteadOf(Storybook, "House,"));
        Assert.Empty(Suggestions.InsteadOf(Storybook, "in"));
    }

    [Fact]
    public void WordsTheModelWasNotTrainedOnAreNamed() => Assert.Equal(["zebra"], Suggestions.Unknown(Storybook, "a Red zebra in a field, zebra", []));

    [Fact]
    public void LearnedWordsAreKnown() => Assert.Equal(["zebra"], Suggestions.Unknown(Storybook, "a <My-Cat>, a zebra", ["<my-cat>"]));

    [Fact]
    public void AModelWithoutAListHasNoSuggestions()
    {
        Assert.Empty(Suggestions.Unknown(null, "a zebra", []));
        Assert.Empty(Suggestions.InsteadOf(null, "white"));
        Assert.Empty(Suggestions.Before(null, Draft.Of("a house"), 0));
    }
}
