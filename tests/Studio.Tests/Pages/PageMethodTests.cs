using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Studio.Pages;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class PageMethodTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("null-text")]
    [InlineData("direct", "uni-edit")]
    [InlineData("uni-inv", "uni-edit")]
    [InlineData("virtual", "infedit")]
    [InlineData("edit-friendly", "ledits++")]
    public void APictureIsOfferedTheMethodsThatCanFollowItsInversion(string? inversion, params string[] further)
    {
        Recipe source = inversion is null ? new DrawnRecipe { Prompt = "a house" } : new InvertedRecipe { Picture = "p", Prompt = "a house", Method = inversion };
        var offered = PageMethod.For(source).Select(method => method.Name).ToList();
        Assert.Equal(["p2p", "masactrl", "pnp"], offered.Take(3));
        Assert.Equal(further, offered.Intersect(["uni-edit", "infedit", "ledits++"]));
    }

    [Fact]
    public void ASliderReadsWhatItWrote()
    {
        foreach (var (method, slider) in EditMethod.Names.SelectMany(name => PageMethod.Named(name).Sliders.Select(slider => (name, slider))))
        {
            foreach (var value in new[] { slider.Min, slider.Min + slider.Step, slider.Max })
            {
                var edit = slider.Set(new EditedRecipe { Source = "s", Prompt = "a house", Method = method }, value);
                Assert.Equal(value, slider.Get(edit));
                edit.Request(null).Validate();
            }
        }
    }
}
