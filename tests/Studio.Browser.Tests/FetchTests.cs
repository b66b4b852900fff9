using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class FetchTests(StudioBrowser browser)
{
    [Fact]
    public async Task AModelIsFetchedAndChosen()
    {
        await using var fetched = new FetchedModels();
        await using var studio = await fetched.Studio();
        await using var visitor = await browser.Visit(studio.Address);
        await visitor.Touch("Fetch a model");
        var name = visitor.Page.GetByLabel("Name on the hub");
        await name.FillAsync("owner/missing");
        await visitor.Touch("Fetch");
        await Expect(visitor.Alert).ToContainTextAsync("has no model owner/missing (404). Check the name.");
        await name.FillAsync(FetchedModels.Model);
        await name.PressAsync("Enter");
        await Expect(visitor.Page.GetByRole(AriaRole.Combobox, new() { Name = "Model" })).ToHaveValueAsync("model");
        await Expect(visitor.Alert).ToHaveCountAsync(0);
        await visitor.Touch("Draw with these settings");
        await visitor.Pictures(2);
    }
}
