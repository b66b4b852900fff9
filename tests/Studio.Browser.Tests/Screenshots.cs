using Microsoft.Playwright;

namespace PromptToPrompt.Studio.Browser.Tests;

/// <summary>Redraws the documentation's screenshots; <c>docs/update-screenshots</c> runs it.</summary>
[Trait("Category", "Browser")]
public sealed class Screenshots(StudioBrowser browser)
{
    [Fact(Explicit = true)]
    public async Task OfTheStudio()
    {
        var studio = await TestStudio.Start(change: options => options with { Models = [TestStudio.Embedded], DefaultSteps = 30 });
        await using var visitor = await browser.Visit(studio.Address, 1280, 960, studio);
        var page = visitor.Page;
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Touch("Add words after field");
        await Shoot(page, "studio-words");
        await visitor.Touch("at night");
        await visitor.Pictures(3);
        await visitor.Turn("red", "1.5");
        await visitor.Pictures(4);
        await Shoot(page, "studio");
        await page.GetByRole(AriaRole.Button, new() { Name = "house; swap it" }).HoverAsync();
        await Shoot(page, "studio-attention");
        await page.Mouse.MoveAsync(5, 5);
        await visitor.Touch("Light or dark");
        await page.GetByRole(AriaRole.Radio, new() { Name = "Side by side" }).ClickAsync();
        await Shoot(page, "studio-dark");
        await page.SetViewportSizeAsync(390, 844);
        await page.GetByRole(AriaRole.Radio, new() { Name = "Slider" }).ClickAsync();
        await Shoot(page, "studio-phone");
    }

    private static async Task Shoot(IPage page, string name)
    {
        // Pictures and colors fade in.
        await page.EvaluateAsync("scrollTo(0, 0)");
        await page.WaitForTimeoutAsync(900);
        await page.ScreenshotAsync(new() { Path = Path.Combine(Repository.Folder("docs", "images"), $"{name}.png") });
    }
}
