using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Engine;

/// <summary>An uploaded picture keeps its size and its pixels where nothing changes.</summary>
[Trait("Category", "Slow")]
public sealed class GivenPictureTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Theory]
    [InlineData("crop")]
    [InlineData("fit")]
    [InlineData("pad")]
    public async Task AnEditKeepsThePixelsThatItDoesNotChange(string frame)
    {
        var photo = Photograph.Draw(600, 400);
        var picture = test.Store.Pictures.Add(photo);
        var source = await test.Make(new InvertedRecipe { Picture = picture, Prompt = Photograph.Prompt, Method = "direct", Steps = TestStudio.Steps, Frame = frame });
        var left = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field", Mask = Half(isLeft: true, 600, 400) });
        var right = await test.Make(new EditedRecipe { Source = left.Id, Prompt = "a red castle in a field", Mask = Half(isLeft: false, 300, 200) });

        Assert.Equal(picture, source.Picture);
        Assert.All([source, left, right], version =>
        {
            Assert.Equal((600, 400), (version.Facts.Width, version.Facts.Height));
            Assert.Equal(photo.Size, test.Store.Pictures.SizeOf(version.Picture));
            Assert.Equal(VersionFraming.Of(version, test.Store)!.Framed, test.Store.Pictures.SizeOf(version.Facts.Output!));
        });
        var (before, between, after) = (photo, test.Store.Pictures.Read(left.Picture), test.Store.Pictures.Read(right.Picture));
        Assert.Equal((0, true), (Changes(before, between, isLeft: false), Changes(before, between, isLeft: true) > 1000));
        Assert.Equal((0, true), (Changes(between, after, isLeft: true), Changes(between, after, isLeft: false) > 1000));
    }

    [Fact]
    public async Task AMaskOfTheFramedShapeIsTheSame()
    {
        var source = await test.Make(new InvertedRecipe { Picture = test.Store.Pictures.Add(Photograph.Draw(600, 400)), Prompt = Photograph.Prompt, Method = "direct", Steps = 3 });
        var whole = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field", Mask = Half(isLeft: true, 600, 400) });
        var framed = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field", Mask = Half(isLeft: true, 64, 64) });
        Assert.Equal(whole.Facts.Output, framed.Facts.Output);
        Assert.Equal(0, Changes(test.Store.Pictures.Read(source.Picture), test.Store.Pictures.Read(framed.Picture), isLeft: false));
    }

    [Fact]
    public async Task EditsOfAFilledPictureAreDrawnOverIt()
    {
        var photo = Photograph.Draw(600, 400);
        var filled = await test.Make(new InpaintedRecipe { Picture = test.Store.Pictures.Add(photo), Mask = Half(isLeft: true, 600, 400), Prompt = Photograph.Prompt, Steps = 3 });
        var red = await test.Make(new EditedRecipe { Source = filled.Id, Prompt = "a red house in a field", Mask = Half(isLeft: false, 600, 400) });
        var (before, after) = (test.Store.Pictures.Read(filled.Picture), test.Store.Pictures.Read(red.Picture));
        Assert.Equal(0, Changes(photo, before, isLeft: false));
        Assert.Equal(0, Changes(before, after, isLeft: true));
        Assert.True(Changes(before, after, isLeft: false) > 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AFeatherSoftensTheEdgeInsideTheMask(bool isUploaded)
    {
        Recipe root = isUploaded
            ? new InvertedRecipe { Picture = test.Store.Pictures.Add(Photograph.Draw(256, 256)), Prompt = Photograph.Prompt, Method = "direct", Steps = 3 }
            : TestEngine.House;
        var source = await test.Make(root);
        var before = test.Store.Pictures.Read(source.Picture);
        var edit = new EditedRecipe { Source = source.Id, Prompt = "a red castle in a forest", CrossSteps = "0", SelfSteps = "0", Mask = Half(isLeft: true, before.Width, before.Height) };
        var soft = await test.Make(edit with { Feather = before.Width / 4 });
        var hard = await test.Make(edit with { Feather = 0 });
        var (after, sharp) = (test.Store.Pictures.Read(soft.Picture), test.Store.Pictures.Read(hard.Picture));

        Assert.Equal((0, 0), (Changes(before, after, isLeft: false), Changes(before, sharp, isLeft: false)));
        // At the edge of the mask the source shows through; far from it both are the same.
        var edge = (before.Width / 2) - 1;
        Assert.True(Difference(before, after, edge) < 0.1 * Difference(before, sharp, edge), $"{Difference(before, after, edge)} and {Difference(before, sharp, edge)}");
        Assert.Equal(0, Difference(after, sharp, 0));
        Assert.NotNull(soft.Facts.Output);

        // An edit of the edit is drawn over what is seen.
        var next = await test.Make(new EditedRecipe { Source = soft.Id, Prompt = "a green castle in a forest", Mask = Half(isLeft: false, before.Width, before.Height) });
        Assert.Equal(0, Changes(after, test.Store.Pictures.Read(next.Picture), isLeft: true));
    }

    [Fact]
    public async Task AFeatherThatIsTooWideOrHasNoMaskIsRefused()
    {
        var source = await test.Make(TestEngine.House);
        var side = source.Facts.Width;
        var edit = new EditedRecipe { Source = source.Id, Prompt = "a red house in a field", Feather = 4 * side, Mask = Middle(side) };
        var over = await test.Submit(edit).WhenOver();
        Assert.Equal(("feather", $"A feather of {4 * side} pixels is wider than the mask. Use a smaller value."), (over.Setting, over.Problem));
        Assert.Contains("there is none", Assert.Throws<InvalidInputException>(() => test.Submit(edit with { Mask = null })).Message, StringComparison.Ordinal);
        Assert.Equal("Feather", Assert.Throws<InvalidInputException>(() => test.Submit(edit with { Feather = -1 })).Setting);
    }

    [Fact]
    public async Task ThePartThatTheModelSeesIsKnown()
    {
        var picture = test.Store.Pictures.Add(Photograph.Draw(200, 100));
        var cropped = await test.Make(new InvertedRecipe { Picture = picture, Prompt = "a house", Method = "direct", Steps = 1 });
        var padded = await test.Make(new InvertedRecipe { Picture = picture, Prompt = "a house", Method = "direct", Steps = 1, Frame = "pad" });
        Assert.Equal(new SeenPart(0.25, 0, 0.5, 1), cropped.Facts.Seen);
        Assert.Equal(new SeenPart(0, -0.5, 1, 2), padded.Facts.Seen);
    }

    [Fact]
    public void AMaskOfWhatTheModelSawIsBlackElsewhere()
    {
        var framing = VersionFraming.Create(FramingKind.Crop, new(200, 100), new(128, 128));
        var mask = framing.RestoreMask(new Image(64, 64, [.. Enumerable.Repeat(byte.MaxValue, 64 * 64 * 3)]));
        Assert.Equal(new PixelSize(200, 100), mask.Size);
        // The middle square of it.
        Assert.Equal([0, 0, 255, 255], new[] { 0, 49, 50, 149 }.Select(x => (int)mask.Rgb[x * 3]));
    }

    [Fact]
    public async Task WhatBeganWithAPromptIsTheModelsOwnImage()
    {
        var source = await test.Make(TestEngine.House);
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        Assert.Null(red.Facts.Output);
        Assert.Null(red.Facts.Seen);
        Assert.Null(VersionFraming.Of(red, test.Store));
    }

    [Fact]
    public async Task TheModelsImageGoesWithItsVersion()
    {
        var picture = test.Store.Pictures.Add(Photograph.Draw(200, 150));
        var source = await test.Make(new InvertedRecipe { Picture = picture, Prompt = "a house", Method = "direct", Steps = 1 });
        test.Clock.Later = TimeSpan.FromDays(2);
        await test.Restart();
        Assert.True(test.Store.Pictures.Has(source.Facts.Output!));
        test.Engine.DeleteVersion(source.Id);
        Assert.False(test.Store.Pictures.Has(source.Facts.Output!));
    }

    private string Half(bool isLeft, int width, int height) => test.Store.Pictures.Add(new Image(
        width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => (i / 3 % width < width / 2) == isLeft ? byte.MaxValue : (byte)0)]));

    private string Middle(int side) => test.Store.Pictures.Add(new Image(
        side, side, [.. Enumerable.Range(0, side * side * 3).Select(i => i / 3 % side / (side / 4) is 1 or 2 && i / 3 / side / (side / 4) is 1 or 2 ? byte.MaxValue : (byte)0)]));

    private static int Difference(Image one, Image other, int x) =>
        Enumerable.Range(0, one.Height).Sum(y => Enumerable.Range(3 * ((y * one.Width) + x), 3).Sum(i => Math.Abs(one.Rgb[i] - other.Rgb[i])));

    private static int Changes(Image before, Image after, bool isLeft) =>
        Enumerable.Range(0, before.Rgb.Length).Count(i => (i / 3 % before.Width < before.Width / 2) == isLeft && before.Rgb[i] != after.Rgb[i]);
}
