using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class GridTests(StudioBrowser browser)
{
    [Fact]
    public async Task AnEditIsMadeWithOtherSettingsAsATable()
    {
        await using var visitor = await browser.Visit();
        var page = visitor.Page;
        await Expect(Button("Grid")).ToBeDisabledAsync();
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Touch("Grid");
        await Expect(page.Locator(".grid-dialog .count")).ToHaveTextAsync("9 pictures");
        await page.GetByLabel("Values of the rows").FillAsync("0, 0.4, far");
        await visitor.Touch("Make the grid");
        await Expect(page.Locator(".grid-dialog").GetByRole(AriaRole.Alert)).ToContainTextAsync("far");
        await page.GetByLabel("Values of the columns").FillAsync("0, 0.8");
        await page.GetByLabel("Values of the rows").FillAsync("0, 0.4");
        await visitor.Touch("Make the grid");
        var pictures = page.Locator(".grid-view td img");
        await Expect(pictures).ToHaveCountAsync(6);
        await Expect(page.Locator(".grid-view")).ToContainTextAsync("Click a picture to open it.");
        var png = await page.Context.APIRequest.GetAsync(new Uri(browser.Studio.Address, (await page.GetByRole(AriaRole.Link, new() { Name = "Download" }).GetAttributeAsync("href"))!).ToString());
        Assert.True(png.Ok);
        await page.GetByRole(AriaRole.Button, new() { Name = "Picture 5: shapes 0.4, words 0", Exact = true }).ClickAsync();
        await Expect(page.Locator(".grid-view")).ToHaveCountAsync(0);
        await Expect(page.GetByLabel("Keep the shapes: until")).ToHaveValueAsync("40");

        await page.ReloadAsync();
        await visitor.Ready();
        await page.GetByRole(AriaRole.Button, new() { Name = "words × shapes" }).ClickAsync();
        await Expect(pictures).ToHaveCountAsync(6);
        await visitor.Touch("Remove the grid");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "words × shapes" })).ToHaveCountAsync(0);
        await visitor.Pictures(5);
        await page.Locator(".mud-snackbar").GetByText("Undo").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "words × shapes" })).ToBeVisibleAsync();

        ILocator Button(string name) => page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });
    }

    [Fact]
    public async Task TheEditIsKeptOnOtherSeeds()
    {
        await using var visitor = await browser.Visit(390, 844);
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Touch("Grid");
        await visitor.Touch("4 seeds");
        await Expect(visitor.Page.GetByLabel("Values of the columns")).ToHaveValueAsync("4, 5, 6, 7");
        await visitor.Page.GetByLabel("Values of the columns").FillAsync("4, 5");
        await visitor.Touch("Make the grid");
        await Expect(visitor.Page.Locator(".grid-view td img")).ToHaveCountAsync(4);
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "edit, seed 5" }).ClickAsync();
        await Expect(visitor.Page.Locator(".chip.swapped .word")).ToHaveTextAsync("red");
        await Expect(visitor.Page.GetByLabel("Seed", new() { Exact = true })).ToHaveValueAsync("5");
    }
}
