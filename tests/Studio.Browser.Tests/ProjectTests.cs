using Microsoft.Playwright;
using PromptToPrompt.Studio.Drafts;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class ProjectTests(StudioBrowser browser)
{
    [Fact]
    public async Task APictureIsDeletedWithWhatWasMadeFromItAndBroughtBack()
    {
        await using var visitor = await browser.Visit();
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Touch("Delete picture 2");
        await visitor.Pictures(1);
        await Expect(visitor.Page.Locator(".chip.swapped")).ToHaveCountAsync(0);
        await visitor.Page.Locator(".mud-snackbar").GetByText("Undo").ClickAsync();
        await visitor.Pictures(2);
        await Expect(visitor.Page.Locator(".chip.swapped .word")).ToHaveTextAsync("red");
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Picture 2: " }).PressAsync("Delete");
        await visitor.Pictures(1);

        await visitor.Swap("white", "blue");
        await visitor.Pictures(2);
        await visitor.Touch("Delete picture 1");
        await visitor.Pictures(0);
        await Expect(visitor.Page.GetByLabel("What should the picture show?")).ToBeVisibleAsync();
        await visitor.Page.ReloadAsync();
        await visitor.Pictures(0);

        // An empty field draws the prompt that it shows.
        await visitor.Connected();
        await visitor.Touch("Draw");
        await visitor.Pictures(1);
        await Expect(visitor.Page.Locator(".chip .word").First).ToHaveTextAsync("a");
    }

    [Fact]
    public async Task AProjectIsDeletedAndAnotherOneOpened()
    {
        // In a studio that all share, the one opened then would be another test's, perhaps without a picture.
        await using var studio = await TestStudio.Start();
        await using var visitor = await browser.Visit(studio.Address);
        var first = visitor.Project;
        await visitor.New();
        Assert.Single(visitor.Asked, asked => asked.PathAndQuery.StartsWith("/new?", StringComparison.Ordinal));
        Assert.NotEqual(first, visitor.Project);
        var second = visitor.Project;
        await visitor.Choose("Delete this project");
        await visitor.Touch("Delete");
        await visitor.At(first);
        await visitor.Ready();
        Assert.Null(studio.Store.FindProject(second));
    }

    [Fact]
    public async Task FavoritesAndNamesAreThereAfterAReload()
    {
        await using var visitor = await browser.Visit();
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Picture 2 is a favorite" }).ClickAsync();
        await visitor.Touch("Download");
        var name = visitor.Page.GetByLabel("Name of the picture");
        await name.FillAsync("My red house");
        await name.BlurAsync();
        await Expect(visitor.Page.Locator(".film")).ToContainTextAsync("My red house");
        await visitor.Page.ReloadAsync();
        await visitor.Ready();
        await visitor.Touch("Favorites only");
        await visitor.Pictures(1);
        await Expect(visitor.Page.Locator(".film .shot")).ToContainTextAsync("My red house");
    }

    [Fact]
    public async Task AProjectIsRenamedOnAPhone()
    {
        await using var visitor = await browser.Visit(390, 800);
        var name = visitor.Page.GetByLabel("Name of the project");
        await Expect(name).ToHaveValueAsync(Suggestions.FirstPrompt);
        // An empty name is none: the field shows the old one again.
        await name.FillAsync("");
        await name.PressAsync("Enter");
        await Expect(name).ToHaveValueAsync(Suggestions.FirstPrompt);
        await name.FillAsync("Houses");
        await name.PressAsync("Enter");
        await visitor.Touch("Projects");
        await Expect(visitor.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Houses" })).ToBeVisibleAsync();
        Assert.Equal("Houses", browser.Studio.Store.FindProject(visitor.Project)?.Name);
    }

    [Fact]
    public async Task ANewProjectBeginsWithTheSettingsAndTheViewThatWereUsedLast()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("Advanced");
        await visitor.Page.GetByLabel("Long prompts").CheckAsync();
        await visitor.Page.GetByLabel("Clip skip").FillAsync("1");
        await visitor.Page.GetByLabel("Clip skip").BlurAsync();
        await visitor.Touch("Draw with these settings");
        await visitor.Pictures(2);
        await visitor.Swap("white", "red");
        await visitor.Pictures(3);
        await visitor.Page.GetByRole(AriaRole.Radio, new() { Name = "Side by side" }).ClickAsync();

        await visitor.New();
        await Expect(visitor.Page.GetByLabel("Long prompts")).ToBeCheckedAsync();
        await Expect(visitor.Page.GetByLabel("Clip skip")).ToHaveValueAsync("1");
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await Expect(visitor.Page.Locator(".stage.beside figure")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task ProjectsAreFoundByNameAndPrompt()
    {
        await using var studio = await TestStudio.Start();
        foreach (var name in new[] { "Boats", "Cars", "Trees", "Castles", "Red boats" })
            studio.Store.CreateProject(name);
        await using var visitor = await browser.Visit(studio.Address, 390, 844);
        await visitor.Touch("Projects");
        var items = visitor.Page.GetByRole(AriaRole.Menuitem);
        var search = visitor.Page.GetByLabel("Search projects");
        await search.PressSequentiallyAsync("red boat");
        await Expect(search).ToHaveValueAsync("red boat");
        await Expect(items.Filter(new() { HasText = "picture" })).ToHaveCountAsync(1);
        await search.FillAsync("white house");
        await Expect(items.Filter(new() { HasText = Suggestions.FirstPrompt })).ToBeVisibleAsync();
        await search.FillAsync("nothing like it");
        await Expect(visitor.Page.GetByText("No project has these words.")).ToBeVisibleAsync();
        await search.FillAsync("trees");
        await items.Filter(new() { HasText = "Trees" }).ClickAsync();
        await Expect(visitor.Page.GetByLabel("Name of the project")).ToHaveValueAsync("Trees");
    }

    [Fact]
    public async Task APictureHasTheSizeThatTheVisitorChose()
    {
        await using var visitor = await browser.Visit();
        await visitor.Touch("Advanced");
        await visitor.Page.GetByLabel("Size", new() { Exact = true }).FillAsync("32×48");
        await visitor.Page.GetByLabel("Size", new() { Exact = true }).BlurAsync();
        await visitor.Touch("Draw with these settings");
        await visitor.Pictures(2);
        await Expect(visitor.Page.Locator(".frame.main")).ToHaveAttributeAsync("style", "--ratio:0.6667");
        await Expect(visitor.Page.GetByLabel("Size", new() { Exact = true })).ToHaveValueAsync("32x48");
    }
}
