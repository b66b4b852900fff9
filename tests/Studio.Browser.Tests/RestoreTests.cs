using Microsoft.Playwright;
using PromptToPrompt.Diffusion.Images;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class RestoreTests(StudioBrowser browser)
{
    [Fact]
    public async Task AnEditIsRestoredFromItsFileOnAnEmptyPage()
    {
        await using var visitor = await browser.Visit();
        var page = visitor.Page;
        await visitor.Swap("white", "red");
        // The strip has the edit a moment before it is shown.
        await visitor.At("/p/[^/]+/2$");
        var address = await page.Locator(".frame.main .after").GetAttributeAsync("src");
        var file = await browser.Studio.Http.GetByteArrayAsync(address!.Split('?')[0], TestContext.Current.CancellationToken);
        await visitor.Choose("New project");
        await visitor.At("/new\\?");
        await page.WaitForFunctionAsync("() => window.studio?.connected?.() === true");
        await Upload(page, file);
        await Expect(page.Locator(".found")).ToContainTextAsync("seed 4, 6 steps, guidance 5, ddim");
        await Expect(page.Locator(".found .chain")).ToHaveTextAsync("a white house in a field → a red house in a field");
        await visitor.Touch("Restore its settings");
        await visitor.At("/p/[^/]+/2$");
        await Expect(page.Locator(".chip.swapped .word")).ToHaveTextAsync("red");
        await visitor.Pictures(2);
    }

    [Fact]
    public async Task SettingsOfAnotherProgramAreDrawnAndTheRestIsNamed()
    {
        await using var visitor = await browser.Visit();
        var png = new Image(8, 8, new byte[192]).ToPng();
        await Upload(visitor.Page, PngText.AddTo(png, [new("parameters", "a red car\nNegative prompt: fog\nSteps: 2, Sampler: Euler, CFG scale: 3, Seed: 18446744073709551615, Size: 64x64, Hires upscale: 2")]));
        await Expect(visitor.Page.Locator(".found")).ToContainTextAsync("guidance 3, euler, 64x64 pixels.");
        await Expect(visitor.Page.Locator(".found")).ToContainTextAsync("Not restored: Hires upscale 2.");
        await Expect(visitor.Page.GetByRole(AriaRole.Textbox, new() { Name = "What does the picture show?" })).ToHaveValueAsync("a red car");
        await Expect(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Edit this picture" })).ToBeVisibleAsync();
        await visitor.Touch("Restore its settings");
        await visitor.Pictures(2);
        var recipe = Assert.IsType<Studio.Recipes.DrawnRecipe>(browser.Studio.Store.Versions(visitor.Project)[1].Recipe);
        Assert.Equal(("a red car", "fog", "euler", ulong.MaxValue, "64x64"), (recipe.Prompt, recipe.Negative, recipe.Scheduler, recipe.Seed, recipe.Size));
    }

    private static Task Upload(IPage page, byte[] file) =>
        page.Locator("[data-upload]").SetInputFilesAsync(new FilePayload { Name = "picture.png", MimeType = "image/png", Buffer = file });
}
