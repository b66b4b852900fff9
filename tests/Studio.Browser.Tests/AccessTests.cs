using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class AccessTests(StudioBrowser browser)
{
    private static readonly string Axe = File.ReadAllText(Path.Combine(Repository.Folder("tests", "Studio.Browser.Tests", "Axe"), "axe.min.js"));

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task AxeFindsNothingSerious(int width, ColorScheme scheme)
    {
        await using var visitor = await browser.Visit(width, 844);
        await visitor.Page.EmulateMediaAsync(new() { ColorScheme = scheme, ReducedMotion = ReducedMotion.Reduce });
        await Check(visitor, "the first picture");
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Touch("Change only some places");
        await visitor.Touch("Advanced");
        await visitor.Touch("Download");
        await Check(visitor, "an edit");
        await visitor.Touch("Grid");
        await Expect(visitor.Page.Locator(".grid-dialog .count")).ToBeVisibleAsync();
        await Check(visitor, "the dialog of a grid");
        await visitor.Page.GetByLabel("Values of the columns").FillAsync("0.8");
        await visitor.Page.GetByLabel("Values of the rows").FillAsync("0.4");
        await visitor.Touch("Make the grid");
        await Expect(visitor.Page.Locator(".grid-view td img")).ToHaveCountAsync(2);
        await Check(visitor, "a grid");
        await visitor.Touch("Close");
        await visitor.Touch("Brush a mask");
        await Check(visitor, "the brush");
        await visitor.Touch("Brush a mask");
        await visitor.Touch("house; swap it");
        await Check(visitor, "a card");
        await visitor.Touch("Close");
        await visitor.Touch("Keys");
        await Expect(visitor.Page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await Check(visitor, "the keys");
    }

    [Fact]
    public async Task TheFocusGoesWhereTheVisitorGoesOn()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("New picture");
        await Expect(visitor.Page.GetByLabel("What should the picture show?")).ToBeFocusedAsync();
        await visitor.Page.Keyboard.PressAsync("Escape");
        await Expect(Button("New picture")).ToBeFocusedAsync();
        await visitor.Touch("white; swap it");
        await Expect(visitor.Page.Locator(".card input")).ToBeFocusedAsync();
        await visitor.Page.Keyboard.PressAsync("Escape");
        await Expect(Button("white; swap it")).ToBeFocusedAsync();
        await visitor.Swap("white", "red");
        await Expect(Button("red, instead of white; swap it")).ToBeFocusedAsync();
        await visitor.Pictures(2);

        ILocator Button(string name) => visitor.Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });
    }

    [Fact]
    public async Task AClickBeforeThePageIsLiveIsKept()
    {
        await using var visitor = await browser.Visit();
        var held = new TaskCompletionSource();
        await visitor.Page.RouteAsync("**/assets/blazor.web.js*", async route =>
        {
            await held.Task;
            await route.ContinueAsync();
        });
        await visitor.Page.ReloadAsync(new() { WaitUntil = WaitUntilState.Commit });
        await visitor.Touch("white; swap it");
        held.SetResult();
        await Expect(visitor.Page.GetByRole(AriaRole.Textbox, new() { Name = "Instead of “white”" })).ToBeFocusedAsync();
    }

    [Fact]
    public async Task ThingsToTouchAreLargeEnough()
    {
        await using var visitor = await browser.Visit(390, 844);
        var small = await visitor.Page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('button, input, select, a')].filter(element => {
                const { width, height } = element.getBoundingClientRect()
                return width > 1 && (width < 24 || height < 23.9) && !element.closest('[hidden], .mud-slider')
            }).map(element => `${element.className} ${element.getAttribute('aria-label') ?? element.textContent} ${JSON.stringify(element.getBoundingClientRect())}`)
            """);
        Assert.Empty(small);
    }

    [Fact]
    public async Task ProjectsClosesWithOneEscape()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("Projects");
        await Expect(visitor.Page.GetByRole(AriaRole.Menuitem, new() { Name = "New project" })).ToBeVisibleAsync();
        await visitor.Page.Keyboard.PressAsync("Escape");
        await Expect(visitor.Page.GetByRole(AriaRole.Menuitem, new() { Name = "New project" })).ToBeHiddenAsync();
    }

    [Fact]
    public async Task AMaskIsMadeFromAWordWithoutAPointer()
    {
        await using var visitor = await browser.Visit();
        await visitor.Page.Keyboard.PressAsync("b");
        await visitor.Page.GetByLabel("From a word").SelectOptionAsync("house");
        await visitor.Page.WaitForFunctionAsync("() => { const brush = document.querySelector('.brush'); return brush.getContext('2d').getImageData(0, 0, brush.width, brush.height).data.some((value, i) => i % 4 === 3 && value > 60) }");
        await visitor.Touch("Regenerate this part");
        await visitor.Pictures(2);
    }

    private static async Task Check(Visitor visitor, string what)
    {
        await visitor.Page.EvaluateAsync(Axe);
        var found = await visitor.Page.EvaluateAsync<JsonElement>("axe.run(document, { resultTypes: ['violations'] }).then(run => run.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(node => node.html + ' ' + node.failureSummary) })))");
        var serious = found.EnumerateArray().Where(violation => violation.GetProperty("impact").GetString() is "serious" or "critical").Select(violation => $"{what}: {violation}");
        Assert.Empty(serious);
    }
}
