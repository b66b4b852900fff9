using PromptToPrompt.Studio.Recipes;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class BrushTests(StudioBrowser browser)
{
    [Fact]
    public async Task StrokesAreErasedUndoneInvertedAndGrown()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("Brush a mask");
        Assert.Equal(0, await Painted(visitor));
        await Stroke(visitor, 0.3f, 0.7f);
        var stroke = await Painted(visitor);
        Assert.InRange(stroke, 0.02, 0.2);
        await visitor.Touch("Grow");
        Assert.True(await Painted(visitor) > stroke + 0.005);
        await visitor.Touch("Invert");
        Assert.True(await Painted(visitor) > 0.7);
        await visitor.Page.Keyboard.PressAsync("Control+z");
        await visitor.Touch("Undo stroke");
        Assert.Equal(stroke, await Painted(visitor));
        await visitor.Touch("Erase");
        await Stroke(visitor, 0.5f, 0.9f);
        Assert.InRange(await Painted(visitor), 0.001, stroke - 0.005);

        var size = await visitor.Page.GetByLabel("Size of the brush").InputValueAsync();
        await visitor.Page.Mouse.WheelAsync(0, -100);
        await Expect(visitor.Page.GetByLabel("Size of the brush")).Not.ToHaveValueAsync(size);
        await Expect(visitor.Page.Locator("label:has([data-brush-size]) output")).ToHaveTextAsync(await visitor.Page.GetByLabel("Size of the brush").InputValueAsync());
        await visitor.Touch("Clear");
        Assert.Equal(0, await Painted(visitor));
    }

    [Fact]
    public async Task APlaceIsFilledFromItsOwnWordsWithAFeather()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("Brush a mask");
        await Stroke(visitor, 0.3f, 0.7f);
        var hard = await Opacities(visitor, ".brush");
        await visitor.Page.GetByLabel("Feather of the mask in pixels").FillAsync("64");
        var words = visitor.Page.GetByLabel("What should be here?");
        await words.FillAsync("a red boat");
        await words.PressAsync("Enter");
        await Expect(visitor.Alert).ToContainTextAsync("A feather of 64 pixels is wider than the mask.");

        // The strokes and the words are still there.
        await visitor.Page.GetByLabel("Feather of the mask in pixels").FillAsync("4");
        await Expect(visitor.Page.GetByLabel("Feather of the mask in pixels")).ToHaveAttributeAsync("aria-valuetext", "4 px");
        await Expect(visitor.Page.GetByText("4 px", new() { Exact = true })).ToBeVisibleAsync();
        var soft = await Opacities(visitor, ".soft");
        Assert.True(soft.Full < hard.Full && soft.Soft > hard.Soft, $"{hard} and {soft}");
        await words.PressAsync("Enter");
        await visitor.Pictures(2);
        var filled = Assert.IsType<InpaintedRecipe>(browser.Studio.Store.Versions(visitor.Project)[^1].Recipe);
        Assert.Equal(("a red boat", 4.0), (filled.Prompt, filled.Feather));
    }

    [Fact]
    public async Task TwoPressesMakeOnePicture()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("Brush a mask");
        await Stroke(visitor, 0.3f, 0.7f);
        var masks = 0;
        visitor.Page.Request += (_, request) => masks += request is { Method: "POST" } && !request.Url.Contains("_blazor", StringComparison.Ordinal) ? 1 : 0;
        await visitor.Page.GetByLabel("What should be here?").FillAsync("a red boat");
        await visitor.Page.EvaluateAsync("""
            () => {
                const words = document.querySelector('[data-brush-words]')
                for (let i = 0; i < 2; i++) words.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
            }
            """);
        await visitor.Pictures(2);
        Assert.Equal(1, masks);
    }

    // The shares of a canvas that are opaque, and between opaque and transparent.
    private static async Task<(double Full, double Soft)> Opacities(Visitor visitor, string canvas)
    {
        var shares = await visitor.Page.EvaluateAsync<double[]>("""
            selector => {
                const canvas = document.querySelector(selector)
                const alpha = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => i % 4 === 3)
                const share = holds => alpha.reduce((sum, value) => sum + holds(value), 0) / alpha.length
                return [share(value => value > 250), share(value => value > 5 && value <= 250)]
            }
            """, canvas);
        return (shares[0], shares[1]);
    }

    private static async Task Stroke(Visitor visitor, float from, float to)
    {
        var area = (await visitor.Page.Locator(".brush").BoundingBoxAsync())!;
        await visitor.Page.Mouse.MoveAsync(area.X + (area.Width * from), area.Y + (area.Height * 0.5f));
        await visitor.Page.Mouse.DownAsync();
        await visitor.Page.Mouse.MoveAsync(area.X + (area.Width * to), area.Y + (area.Height * 0.5f), new() { Steps = 8 });
        await visitor.Page.Mouse.UpAsync();
    }

    // The share of the picture that the mask covers.
    private static Task<double> Painted(Visitor visitor) => visitor.Page.EvaluateAsync<double>("""
        () => {
            const brush = document.querySelector('.brush')
            const alpha = brush.getContext('2d').getImageData(0, 0, brush.width, brush.height).data.filter((_, i) => i % 4 === 3)
            return alpha.reduce((sum, value) => sum + (value > 60), 0) / alpha.length
        }
        """);
}
