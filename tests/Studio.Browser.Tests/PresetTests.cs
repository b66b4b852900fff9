using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class PresetTests(StudioBrowser browser)
{
    [Fact]
    public async Task SettingsAreSavedChosenAndDeleted()
    {
        await using var studio = await TestStudio.Start();
        await using var visitor = await browser.Visit(studio.Address);
        var (steps, preset) = (visitor.Page.GetByLabel("Steps", new() { Exact = true }), visitor.Page.GetByRole(AriaRole.Combobox, new() { Name = "Preset" }));
        await steps.FillAsync("3");
        await steps.BlurAsync();
        await visitor.Touch("Save as a preset");
        await visitor.Page.GetByLabel("Name of the preset").FillAsync("quick");
        await visitor.Touch("Save");
        await Expect(preset).ToHaveValueAsync("quick");
        await steps.FillAsync("7");
        await steps.BlurAsync();
        await Expect(preset).ToHaveValueAsync("");
        await preset.ClickAsync();
        await visitor.Page.GetByRole(AriaRole.Option, new() { Name = "quick" }).ClickAsync();
        await Expect(steps).ToHaveValueAsync("3");
        await visitor.Touch("Delete the preset quick");
        await Expect(preset).ToHaveCountAsync(0);
        await visitor.Page.Locator(".mud-snackbar").GetByText("Undo").ClickAsync();
        await Expect(preset).ToHaveValueAsync("quick");
    }
}
