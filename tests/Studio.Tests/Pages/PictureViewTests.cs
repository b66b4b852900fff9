using PromptToPrompt.Studio.Pages;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class PictureViewTests
{
    private static readonly PictureVersion Padded = new(
        "v", "p", null, 1, new EditedRecipe { Source = "s", Prompt = "a house" }, "picture", new VersionFacts { Seen = new(0, -0.5, 1, 2) }, DateTimeOffset.UnixEpoch);

    [Fact]
    public void MapsAndMasksLieOverThePartThatTheModelSees()
    {
        const string Place = "left:0.0000%;top:-50.0000%;width:100.0000%;height:200.0000% !important";
        Assert.Equal((Place, Place), (PictureView.PlaceOfMap(Padded), PictureView.PlaceOfMask(Padded)));
        // The mask of an inpainted picture is of all of it.
        Assert.Null(PictureView.PlaceOfMask(Padded with { Recipe = new InpaintedRecipe { Picture = "picture", Mask = "mask", Prompt = "a house" } }));
        Assert.Null(PictureView.PlaceOfMap(Padded with { Facts = new() }));
    }
}
