using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Pages;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class EditCaptionTests
{
    private const string Source = "a dog in a field";

    private static readonly EditedRecipe Cat = Draft.Of(Source).Swap(1, "cat").Recipe("s");

    [Fact]
    public void AnEditIsCalledByItsWords()
    {
        Assert.Equal("cat, + at night", EditCaption.Of(Source, Draft.Of(Source).Swap(1, "cat").Insert(5, "at night").Recipe("s"), 30));
        Assert.Equal("dog ×1.5, without field", EditCaption.Of(Source, Draft.Of(Source).Weigh(1, 1.5).Remove(4).Recipe("s"), 30));
    }

    [Fact]
    public void EditsWithTheSameWordsDifferInTheirCaptions()
    {
        Assert.Equal("cat", EditCaption.Of(Source, Cat, 30));
        Assert.Equal("cat · mask", EditCaption.Of(Source, Cat with { Mask = "m" }, 30));
        Assert.Equal("cat · 0–18", EditCaption.Of(Source, Cat with { CrossSteps = "0.6" }, 30));
        Assert.Equal("cat · shapes 3–9", EditCaption.Of(Source, Cat with { SelfSteps = "0.1..0.3" }, 30));
        Assert.Equal("cat · only cat", EditCaption.Of(Source, Cat with { Blend = "dog:cat" }, 30));
    }
}
