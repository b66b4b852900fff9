using Microsoft.Playwright;
using PromptToPrompt.Studio.Drafts;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Tests.Browser;

[Trait("Category", "Browser")]
public sealed class ProjectTests(StudioBrowser browser)
{
    [Fact]
    public async Task APictureIsDeletedWithWhatWasMadeFromItOnceThatIsConfirmed()
    {
        await using var visitor = await browser.Visit();
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Touch("Delete picture 2");
        await visitor.Touch("Cancel");
        // The keyboard goes back to where it was.
        await Expect(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Delete picture 2" })).ToBeFocusedAsync();
        await visitor.Pictures(2);
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Picture 2: " }).PressAsync("Delete");
        await visitor.Touch("Delete");
        await visitor.Pictures(1);
        await Expect(visitor.Page.Locator(".chip.swapped")).ToHaveCountAsync(0);

        await visitor.Swap("white", "blue");
        await visitor.Pictures(2);
        await visitor.Touch("Delete picture 1");
        await Expect(visitor.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("made from it");
        await visitor.Touch("Delete");
        await visitor.Pictures(0);
        await Expect(visitor.Page.GetByLabel("What should the picture show?")).ToBeVisibleAsync();
        await visitor.Page.ReloadAsync();
        await visitor.Pictures(0);
    }

    [Fact]
    public async Task AProjectIsDeletedAndAnotherOneOpened()
    {
        // In a studio that all share, the one opened then would be another test's, perhaps without a picture.
        await using var studio = await TestStudio.Start();
        await using var visitor = await browser.Visit(studio.Address);
        var first = visitor.Page.Url;
        await visitor.New();
        Assert.Single(visitor.Asked, asked => asked.PathAndQuery.StartsWith("/new?", StringComparison.Ordinal));
        Assert.NotEqual(first, visitor.Page.Url);
        var second = new Uri(visitor.Page.Url);
        await visitor.Choose("Delete this project");
        await visitor.Touch("Delete");
        await visitor.Page.WaitForURLAsync(first);
        await visitor.Ready();
        Assert.Null(studio.Store.FindProject(Path.GetFileName(second.AbsolutePath)));
    }

    [Fact]
    public async Task AProjectIsRenamedOnAPhone()
    {
        await using var visitor = await browser.Visit(390, 800);
        var name = visitor.Page.GetByLabel("Name of the project");
        await Expect(name).ToHaveValueAsync(Suggestions.FirstPrompt);
        await name.FillAsync("Houses");
        await name.PressAsync("Enter");
        await visitor.Touch("Projects");
        await Expect(visitor.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Houses" })).ToBeVisibleAsync();
        Assert.Equal("Houses", browser.Studio.Store.FindProject(visitor.Page.Url.Split('/')[^1])?.Name);
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
}
