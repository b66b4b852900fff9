using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class PromptHistoryTests(StudioBrowser browser)
{
    [Fact]
    public async Task UpAndDownGoThroughThePromptsOfTheProjectAndTheBrowser()
    {
        await using var visitor = await browser.Visit();
        await visitor.New();
        await visitor.Touch("New picture");
        var field = visitor.Page.GetByLabel("What should the picture show?");
        await field.FillAsync("a red car");
        await visitor.Touch("Draw");
        await visitor.Pictures(2);

        // A project of its own knows the prompts of this browser.
        await visitor.Choose("New project");
        await visitor.At("/new\\?");
        await visitor.Page.WaitForFunctionAsync("() => window.studio?.connected?.() === true");
        await field.FillAsync("my own words");
        await field.PressAsync("ArrowUp");
        await Expect(field).ToHaveValueAsync("a red car");
        await field.PressAsync("ArrowUp");
        await field.PressAsync("ArrowUp");
        await Expect(field).ToHaveValueAsync("a white house in a field");
        await field.PressAsync("ArrowDown");
        await field.PressAsync("ArrowDown");
        await Expect(field).ToHaveValueAsync("my own words");
        await field.PressAsync("ArrowUp");
        await visitor.Touch("Draw");
        await visitor.Pictures(1);
        Assert.Equal("a red car", browser.Studio.Store.Versions(visitor.Project)[0].Recipe.Prompt);

        await visitor.Touch("Edit as text");
        await visitor.Page.Locator("#prompt-text").PressAsync("ArrowUp");
        await Expect(visitor.Page.Locator("#prompt-text")).ToHaveValueAsync("a white house in a field");
        await visitor.Touch("Back");
        await visitor.Touch("New picture");
        await visitor.Page.GetByRole(AriaRole.Group, new() { Name = "Earlier prompts" }).GetByText("a red car").ClickAsync();
        await Expect(field).ToHaveValueAsync("a red car");
    }
}
