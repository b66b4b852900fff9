using PromptToPrompt.Storybook.World;
using PromptToPrompt.Studio.Drafts;

namespace PromptToPrompt.Studio.Tests.Drafts;

public sealed class SuggestionsTests
{
    [Fact]
    public void Everything_offered_is_a_word_of_the_model()
    {
        var draft = Draft.Of("a white house in a field at night");
        var offered = Vocabulary.Words.SelectMany(Suggestions.InsteadOf).Concat(Enumerable.Range(0, draft.Words.Count + 1).SelectMany(index => Suggestions.Before(draft, index)));
        Assert.Empty(offered.SelectMany(phrase => Suggestions.Unknown("storybook", phrase)).Distinct());
    }

    [Fact]
    public void A_word_is_offered_others_of_its_kind_and_not_itself()
    {
        Assert.Contains("red", Suggestions.InsteadOf("white"));
        Assert.DoesNotContain("white", Suggestions.InsteadOf("white"));
        Assert.Contains("castle", Suggestions.InsteadOf("House,"));
        Assert.Empty(Suggestions.InsteadOf("in"));
    }

    [Fact]
    public void Words_the_model_was_never_shown_are_named()
    {
        Assert.Equal(["zebra"], Suggestions.Unknown("storybook", "a Red zebra in a field, zebra"));
        Assert.Empty(Suggestions.Unknown("other", "a zebra"));
    }
}
