using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class LayoutTests(StudioBrowser browser)
{
    private const string LongPrompt = "a small red house with a green roof and a white door in a field of flowers at night under a yellow moon";

    [Fact]
    public async Task ThePictureIsTheLargestThingAtEverySize()
    {
        await using var visitor = await browser.Visit();
        await Check();
        // An edit adds tools below the picture.
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await Check();

        async Task Check()
        {
            foreach (var (width, height, least) in new[] { (1280, 800, 480), (1440, 900, 560), (2560, 1440, 1000), (768, 1024, 480), (390, 844, 330), (320, 640, 240) })
                await CheckAt(width, height, least);
            await visitor.Page.SetViewportSizeAsync(1280, 800);
        }

        async Task CheckAt(int width, int height, int least)
        {
            await visitor.Page.SetViewportSizeAsync(width, height);
            var frame = await Box(visitor.Page.Locator(".frame.main"));
            Assert.True(frame.Width >= least, $"{width}×{height}: {frame.Width}");
            Assert.True(frame.X >= 0 && frame.X + frame.Width <= width && frame.Y + frame.Height <= height, $"{width}×{height}: cut");
            Assert.True(await visitor.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"), $"{width}×{height}: wider than the window: {await TooWide()}");
            if (height >= 800)
                Assert.True((await Box(visitor.Page.Locator(".film .shot span").First)) is var caption && caption.Y + caption.Height <= height, $"{width}×{height}: the caption ends at {caption.Y + caption.Height}");
        }

        Task<string> TooWide() => visitor.Page.EvaluateAsync<string>(
            "[...document.querySelectorAll('body *')].filter(element => element.getBoundingClientRect().right > innerWidth).map(element => `${element.tagName}.${element.className}`).slice(0, 8).join(', ')");
    }

    [Fact]
    public async Task ALargeWindowDoesNotScrollAndItsSettingsDo()
    {
        await using var visitor = await browser.Visit(1280, 600);
        await visitor.Touch("Advanced");
        Assert.True(await visitor.Page.EvaluateAsync<bool>("document.documentElement.scrollHeight <= innerHeight"));
        Assert.True(await visitor.Page.EvaluateAsync<bool>("(panel => panel.scrollHeight > panel.clientHeight)(document.querySelector('.panel'))"));
    }

    [Fact]
    public async Task APlusNeverBeginsALine()
    {
        await using var visitor = await browser.Visit(390, 844);
        await visitor.Touch("New picture");
        await visitor.Page.GetByLabel("What should the picture show?").FillAsync(LongPrompt);
        await visitor.Touch("Draw");
        await visitor.Pictures(2);
        foreach (var width in new[] { 320, 390, 500, 700, 1000, 1280 })
        {
            await visitor.Page.SetViewportSizeAsync(width, 844);
            Assert.True(await visitor.Page.EvaluateAsync<bool>("""
                () => {
                    const top = element => Math.round(element.getBoundingClientRect().top)
                    const [, ...pluses] = document.querySelectorAll('.plus')
                    const words = [...document.querySelectorAll('.chip')]
                    return pluses.length === words.length && pluses.every((plus, k) => top(plus) === top(words[k]))
                }
                """), $"{width}");
        }
    }

    [Fact]
    public async Task APhotographIsLoadedWholeWhenSomeoneLooksCloser()
    {
        await using var visitor = await browser.Visit();
        var picture = browser.Studio.Store.Pictures.Add(Photograph.Draw(3000, 2000));
        var version = await browser.Studio.Make(visitor.Project, "invert", new { picture, prompt = Photograph.Prompt, method = "direct", steps = 1 });
        await visitor.Pictures(2);
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = $"Picture {browser.Studio.Store.Version(version).Number}, a source", Exact = false }).ClickAsync();
        var image = visitor.Page.Locator(".frame.main .after");
        await Expect(image).ToHaveAttributeAsync("src", $"/api/pictures/{picture}.png?side=2048");
        await visitor.Touch("Zoom in");
        await Expect(image).ToHaveAttributeAsync("src", $"/api/pictures/{picture}.png");
    }

    [Fact]
    public async Task ThePictureZoomsAndMovesAndTheLineStaysUnderThePointer()
    {
        await using var visitor = await browser.Visit();
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Touch("Zoom in");
        await Expect(visitor.Page.Locator("[data-zoom-level]")).ToHaveTextAsync("150 %");
        var frame = await Box(visitor.Page.Locator(".frame.main"));
        var layers = await Box(visitor.Page.Locator(".frame.main .layers"));
        Assert.Equal(1.5, layers.Width / frame.Width, 2);

        await visitor.Page.Mouse.MoveAsync(frame.X + 60, frame.Y + 60);
        await visitor.Page.Mouse.DownAsync();
        await visitor.Page.Mouse.MoveAsync(frame.X + 80, frame.Y + 90, new() { Steps = 4 });
        await visitor.Page.Mouse.UpAsync();
        var moved = await Box(visitor.Page.Locator(".frame.main .layers"));
        Assert.Equal((20, 30), (Math.Round(moved.X - layers.X), Math.Round(moved.Y - layers.Y)));
        await Expect(visitor.Page.Locator(".split")).ToHaveValueAsync("50");
        // The left half of the frame shows the source: its clipped copy ends at the line.
        Assert.Equal(0.5, await visitor.Page.EvaluateAsync<double>("""
            () => {
                const before = document.querySelector('.frame.main .before')
                const frame = before.closest('.frame').getBoundingClientRect(), box = before.getBoundingClientRect()
                const probe = Object.assign(document.createElement('div'), { style: `position:absolute;width:calc((var(--split) - var(--x)) / var(--zoom))` })
                before.parentElement.append(probe)
                return (probe.getBoundingClientRect().width + box.left - frame.left) / frame.width
            }
            """), 2);

        await visitor.Page.Mouse.WheelAsync(0, -200);
        await Expect(visitor.Page.Locator("[data-zoom-level]")).ToHaveTextAsync("225 %");
        await visitor.Page.Keyboard.PressAsync("0");
        await Expect(visitor.Page.Locator("[data-zoom-level]")).ToHaveTextAsync("100 %");
    }

    [Fact]
    public async Task ThePictureFillsTheScreen()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("Full screen");
        await visitor.Page.WaitForFunctionAsync("() => document.fullscreenElement?.matches('.stage')");
        await visitor.Touch("Full screen");
        await visitor.Page.WaitForFunctionAsync("() => !document.fullscreenElement");
    }

    private static async Task<LocatorBoundingBoxResult> Box(ILocator locator) => (await locator.BoundingBoxAsync())!;
}
