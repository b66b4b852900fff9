using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class OwnSizeTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Theory]
    [InlineData("crop")]
    [InlineData("fit")]
    [InlineData("pad")]
    public async Task AGivenPictureAndEditsOfEditsOfItComeBackAtItsSize(string frame)
    {
        var picture = test.Send(200, 150);
        var source = await test.Make(new InvertedRecipe { Picture = picture, Prompt = "a house in a field", Method = "direct", Steps = 3, Frame = frame });
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        var night = await test.Make(new EditedRecipe { Source = red.Id, Prompt = "a red house in a field at night" });
        var model = new PixelSize(source.Facts.Width, source.Facts.Height);
        Assert.All([source, red, night], version =>
        {
            Assert.Equal((200, 150), (version.Facts.OwnWidth, version.Facts.OwnHeight));
            var own = Restored(version);
            Assert.Equal(new PixelSize(200, 150), own.Size);
            Assert.Equal(model, OwnSize.Of(version, test.Store)!.Framing.Apply(own).Size);
        });
        if (frame == "crop")
        {
            // What the model did not see is as it was given.
            Assert.Equal(test.Store.Picture(picture).Rgb[..30], Restored(night).Rgb[..30]);
        }
    }

    [Fact]
    public async Task EditsOfAFilledPictureHaveItsSize()
    {
        var picture = test.Send(200, 150);
        var mask = test.Store.AddPicture(new Image(200, 150, [.. Enumerable.Repeat(byte.MaxValue, 200 * 150 * 3)]));
        var filled = await test.Make(new InpaintedRecipe { Picture = picture, Mask = mask, Prompt = "a house in a field", Steps = 3 });
        var red = await test.Make(new EditedRecipe { Source = filled.Id, Prompt = "a red house in a field" });
        Assert.Null(filled.Facts.OwnWidth);
        Assert.Equal(200, red.Facts.OwnWidth);
        Assert.Equal(new PixelSize(200, 150), Restored(red).Size);
    }

    [Fact]
    public void AMaskOfWhatTheModelSawIsBlackElsewhere()
    {
        var recipe = new InvertedRecipe { Picture = test.Send(200, 100), Prompt = "a house" };
        var white = new Image(64, 64, [.. Enumerable.Repeat(byte.MaxValue, 64 * 64 * 3)]);
        var mask = OwnSize.Of(recipe, new(128, 128), test.Store)!.RestoreMask(white);
        Assert.Equal(new PixelSize(200, 100), mask.Size);
        // The middle square of it.
        Assert.Equal([0, 0, 255, 255], new[] { 0, 49, 50, 149 }.Select(x => (int)mask.Rgb[x * 3]));
    }

    [Fact]
    public async Task WhatBeganWithAPromptHasNone()
    {
        var source = await test.Make(TestEngine.House);
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        Assert.Null(red.Facts.OwnWidth);
        Assert.Null(OwnSize.Of(red, test.Store));
    }

    [Theory]
    [InlineData("crop")]
    [InlineData("fit")]
    [InlineData("pad")]
    public async Task AGivenPictureOfTheModelsSizeHasNone(string frame)
    {
        var source = await test.Make(new InvertedRecipe { Picture = test.Send(128, 128), Prompt = "a house in a field", Method = "direct", Steps = 3, Frame = frame });
        Assert.Null(source.Facts.OwnWidth);
        Assert.Null(OwnSize.Of(source, test.Store));
    }

    private Image Restored(PictureVersion version) =>
        OwnSize.Of(version, test.Store)!.Restore(test.Store.Picture(version.Picture), test.Store);
}
