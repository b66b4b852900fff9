using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class StudioPageTests(StudioBrowser browser)
{
    [Fact]
    public async Task ANewcomerSwapsAddsAndTurnsUpAndFindsAllOfItAfterAReload()
    {
        await using var visitor = await browser.Visit();
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await Expect(visitor.Page.GetByLabel("Source to the left, edit to the right")).ToBeVisibleAsync();
        await visitor.Touch("Add words after field");
        await visitor.Touch("at night");
        await visitor.Pictures(3);
        await visitor.Turn("house", "1.6");
        await visitor.Pictures(4);
        await visitor.Touch("Compare picture 2 with the shown one");
        await Expect(visitor.Page.GetByLabel("Picture 2 to the left, picture 4 to the right")).ToBeVisibleAsync();

        await visitor.Page.ReloadAsync();
        await visitor.Pictures(4);
        await Expect(visitor.Page.Locator(".chip.swapped .word")).ToHaveTextAsync("red");
        await Expect(visitor.Page.Locator(".chip.new .word")).ToHaveTextAsync("at night");
        await Expect(visitor.Page.GetByLabel("Weight of house")).ToHaveValueAsync("1.6");
    }

    [Fact]
    public async Task AHoveredWordLightsUpWhereItLooksAndOverTime()
    {
        await using var visitor = await browser.Visit();
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "house; swap it" }).HoverAsync();
        await Expect(visitor.Page.Locator(".stage")).ToHaveClassAsync(new System.Text.RegularExpressions.Regex("lit"));
        Assert.True(await Spread(visitor.Page) > 60);
        await visitor.Page.GetByLabel("Attention at one step, or over the whole run").FillAsync("2");
        await Expect(visitor.Page.Locator("[data-time-label]")).ToContainTextAsync("at step 2");
        Assert.True(await Spread(visitor.Page) > 60);
    }

    [Fact]
    public async Task ChoosingWordsThatConfineAnEditShowsTheirPlaces()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("Change only some places");
        await visitor.Touch("house");
        await Expect(visitor.Page.Locator(".stage")).ToHaveClassAsync(new System.Text.RegularExpressions.Regex("lit"));
        await Expect(visitor.Page.Locator("[data-time-label]")).ToContainTextAsync("house");
        Assert.True(await Spread(visitor.Page) > 60);
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Touch("Show the mask");
        await Expect(visitor.Page.GetByAltText("Where the edit could change the picture")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task APictureOfOnesOwnIsInvertedAndEdited()
    {
        await using var visitor = await browser.Visit();
        await Give(visitor, TestStudio.Painted(160, 120));
        var dialog = visitor.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("What does the picture show?").FillAsync("a house in a field");
        await dialog.GetByLabel("Steps").FillAsync("3");
        await visitor.Touch("Open");
        await visitor.Pictures(2);
        await Expect(visitor.Page.Locator(".facts")).ToContainTextAsync("dB");
        await visitor.Swap("house", "castle");
        await visitor.Pictures(3);

        // Attention maps cover the square that the model sees.
        var image = (await visitor.Page.Locator(".frame.main .after").BoundingBoxAsync())!;
        var map = (await visitor.Page.Locator(".frame.main .heat").BoundingBoxAsync())!;
        Assert.Equal(0.125, (map.X - image.X) / image.Width, 0.01);
        Assert.Equal(0.75, map.Width / image.Width, 0.01);

        await visitor.Touch("Download");
        var address = await visitor.Page.GetByRole(AriaRole.Link, new() { Name = "Picture", Exact = true }).GetAttributeAsync("href");
        using var picture = SkiaSharp.SKBitmap.Decode(await browser.Studio.Http.GetByteArrayAsync(address));
        Assert.Equal((160, 120), (picture.Width, picture.Height));
        address = await visitor.Page.GetByRole(AriaRole.Link, new() { Name = "Model's image" }).GetAttributeAsync("href");
        using var made = SkiaSharp.SKBitmap.Decode(await browser.Studio.Http.GetByteArrayAsync(address));
        Assert.Equal((32, 32), (made.Width, made.Height));
        address = await visitor.Page.GetByRole(AriaRole.Link, new() { Name = "picture.png" }).GetAttributeAsync("href");
        using var given = SkiaSharp.SKBitmap.Decode(await browser.Studio.Http.GetByteArrayAsync(address));
        Assert.Equal((160, 120), (given.Width, given.Height));
        await visitor.Touch("Copy");
        await Expect(visitor.Page.GetByText("Copied")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task WhatIsNoPictureIsRefusedWithASentence()
    {
        await using var visitor = await browser.Visit();
        await Give(visitor, "not a picture"u8.ToArray());
        await Expect(visitor.Alert).ToContainTextAsync("not an image");
        await visitor.Touch("Close");
        await Expect(visitor.Alert).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task APictureThatTakesLongCanBeCancelled()
    {
        var studio = await TestStudio.Start(change: options => options with { Models = [TestStudio.Embedded] });
        await using var visitor = await browser.Visit(studio.Address, own: studio);
        await Steps(visitor).FillAsync("999");
        await Steps(visitor).BlurAsync();
        await visitor.Touch("Draw with these settings");
        await visitor.Touch("Cancel");
        await Expect(visitor.Page.Locator(".progress")).ToHaveCountAsync(0);
        await visitor.Pictures(1);
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
    }

    [Fact]
    public async Task TwoVisitorsDoNotDisturbEachOther()
    {
        await using var one = await browser.Visit();
        await using var other = await browser.Visit(390, 800);
        Assert.NotEqual(one.Project, other.Project);
        await Task.WhenAll(one.Swap("white", "blue"), other.Swap("white", "pink"));
        await Task.WhenAll(one.Pictures(2), other.Pictures(2));
        await Expect(one.Page.Locator(".chip.swapped .word")).ToHaveTextAsync("blue");
        await Expect(other.Page.Locator(".chip.swapped .word")).ToHaveTextAsync("pink");
    }

    [Fact]
    public async Task TwoPagesOfAProjectFollowEachOther()
    {
        await using var one = await browser.Visit();
        await using var other = await browser.Visit(390, 800);
        await other.Page.GotoAsync(one.Page.Url);
        await other.Ready();
        await one.Swap("white", "blue");
        await other.Pictures(2);
        await Expect(other.Page.Locator(".chip.swapped")).ToHaveCountAsync(0);
        await other.Touch("Delete picture 2");
        await one.Pictures(1);
        await one.Page.GetByLabel("Name of the project").FillAsync("Boats");
        await one.Page.Keyboard.PressAsync("Enter");
        await Expect(other.Page.GetByLabel("Name of the project")).ToHaveValueAsync("Boats");
        await one.Choose("Delete this project");
        await one.Touch("Delete");
        await Expect(other.Page.GetByText("This project was deleted.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task EverythingCanBeDoneWithTheKeyboard()
    {
        await using var visitor = await browser.Visit();
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "a; swap it" }).First.FocusAsync();
        await visitor.Page.Keyboard.PressAsync("ArrowRight");
        await visitor.Page.Keyboard.PressAsync("Enter");
        await Expect(visitor.Page.GetByRole(AriaRole.Textbox, new() { Name = "Instead of “white”" })).ToBeFocusedAsync();
        await visitor.Page.Keyboard.TypeAsync("green");
        await visitor.Page.Keyboard.PressAsync("Enter");
        await visitor.Pictures(2);
        await Expect(visitor.Page.Locator(".chip.swapped .word")).ToHaveTextAsync("green");
    }

    [Fact]
    public async Task AnEditCanBeTheNextSourceAndABrushedMaskConfinesIt()
    {
        await using var visitor = await browser.Visit();
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Touch("Use as source");
        await visitor.Swap("field", "forest");
        await visitor.Pictures(4); // the source of the second row stands there once more
        await visitor.Touch("Brush a mask");
        var area = (await visitor.Page.Locator(".brush").BoundingBoxAsync())!;
        await visitor.Page.Mouse.MoveAsync(area.X + (area.Width * 0.3f), area.Y + (area.Height * 0.5f));
        await visitor.Page.Mouse.DownAsync();
        await visitor.Page.Mouse.MoveAsync(area.X + (area.Width * 0.7f), area.Y + (area.Height * 0.5f), new() { Steps = 8 });
        await visitor.Page.Mouse.UpAsync();
        await visitor.Touch("Confine the edit");
        await visitor.Pictures(5);
        await visitor.Touch("Show the mask");
        await Expect(visitor.Page.GetByAltText("Where the edit could change the picture")).ToBeVisibleAsync();
        await visitor.Touch("Download");
        var address = await visitor.Page.GetByRole(AriaRole.Link, new() { Name = "mask.png" }).GetAttributeAsync("href");
        using var mask = SkiaSharp.SKBitmap.Decode(await browser.Studio.Http.GetByteArrayAsync(address));
        Assert.Equal((32, 32), (mask.Width, mask.Height));
    }

    [Fact]
    public async Task AWordsOwnTimingKeepsItsCardOpenAndMakesTheEditAgain()
    {
        await using var visitor = await browser.Visit();
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Touch("red, instead of white; swap it");
        await visitor.Touch("Its own timing");
        await visitor.Pictures(3);
        var until = visitor.Page.GetByLabel("Keep red where it was: until");
        await until.FillAsync("30");
        await until.DispatchEventAsync("change");
        await visitor.Pictures(4);
        await Expect(visitor.Page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await Expect(visitor.Page.Locator(".film")).ToContainTextAsync("red · red 0–1");
    }

    [Fact]
    public async Task ThePromptIsEditedAsText()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("Edit as text");
        var text = visitor.Page.GetByLabel("The prompt of the edit");
        await Expect(text).ToBeFocusedAsync();
        await text.FillAsync("a (red:1.5) house in a forest");
        await text.PressAsync("Enter");
        await visitor.Pictures(2);
        await Expect(visitor.Page.Locator(".chip.swapped .word")).ToHaveTextAsync(["red", "forest"]);
        await Expect(visitor.Page.GetByLabel("Weight of red")).ToHaveValueAsync("1.5");
    }

    [Fact]
    public async Task WordsThatTheModelDoesNotReadAreGrayUntilItReadsLongPrompts()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("New picture");
        await visitor.Page.GetByLabel("What should the picture show?").FillAsync($"a house {string.Join(' ', Enumerable.Repeat("red", 74))}");
        await Expect(visitor.Page.GetByText("It does not read “red”")).ToBeVisibleAsync();
        await visitor.Touch("Draw");
        await visitor.Pictures(2);
        await Expect(visitor.Page.Locator(".chip.cut")).ToHaveCountAsync(1);
        await visitor.Touch("Read long prompts");
        await visitor.Pictures(3);
        await Expect(visitor.Page.Locator(".chip.cut")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task APictureIsPastedAndAnEndIsSaidInTheTitle()
    {
        await using var visitor = await browser.Visit();
        await visitor.Page.EvaluateAsync("""
            async () => {
                const blob = await (await fetch(document.querySelector('.film img').src)).blob()
                const data = new DataTransfer()
                data.items.add(new File([blob], 'pasted.png', { type: 'image/png' }))
                document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }))
            }
            """);
        var dialog = visitor.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("What does the picture show?").FillAsync("a white house in a field");
        await dialog.GetByLabel("Steps").FillAsync("3");
        await visitor.Page.EvaluateAsync("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })");
        await visitor.Touch("Edit this picture");
        await visitor.Pictures(2);
        await Expect(visitor.Page).ToHaveTitleAsync(new System.Text.RegularExpressions.Regex("^✓ "));
        await visitor.Page.EvaluateAsync("document.dispatchEvent(new Event('visibilitychange'))");
        await Expect(visitor.Page).Not.ToHaveTitleAsync(new System.Text.RegularExpressions.Regex("✓"));
    }

    private static ILocator Steps(Visitor visitor) => visitor.Page.GetByRole(AriaRole.Spinbutton, new() { Name = "Steps", Exact = true });

    private static Task Give(Visitor visitor, byte[] file) => visitor.Page.Locator("[data-upload]").SetInputFilesAsync(new FilePayload { Name = "mine.png", MimeType = "image/png", Buffer = file });

    // How much the map's brightness differs from place to place.
    private static Task<int> Spread(IPage page) => page.EvaluateAsync<int>("""
        () => {
            const canvas = document.querySelector('.frame.main .heat')
            const red = [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 === 0)
            return Math.max(...red) - Math.min(...red)
        }
        """);
}
