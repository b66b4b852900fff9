using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class AddLoraTests(StudioBrowser browser)
{
    [Fact]
    public async Task ALoraIsAddedWeightedAndRemoved()
    {
        using var files = new LoraFiles();
        await using var studio = await TestStudio.Start(change: options => options with { Models = [LoraFiles.Model] });
        await using var visitor = await browser.Visit(studio.Address);
        var input = visitor.Page.Locator("[data-lora-file]");
        await input.SetInputFilesAsync(files.Write("wide", width: 64));
        await Expect(visitor.Alert).ToContainTextAsync("it was made for another type of model");
        await input.SetInputFilesAsync(files.Write());
        var weight = visitor.Page.GetByLabel("LoRA style", new() { Exact = true });
        await Expect(weight).ToHaveValueAsync("1");
        await visitor.Touch("Draw with these settings");
        await visitor.Pictures(2);
        await visitor.Touch("Remove the LoRA style");
        await visitor.Touch("Remove");
        await Expect(weight).ToHaveCountAsync(0);
    }
}
