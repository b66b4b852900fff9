using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

/// <summary>The editing methods of the page.</summary>
[Trait("Category", "Browser")]
public sealed class MethodTests(StudioBrowser browser)
{
    [Fact]
    public async Task AMethodReplacesTheControlsAndMakesAnotherEdit()
    {
        await using var visitor = await browser.Visit();
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        var bars = visitor.Page.Locator(".window");
        await Expect(bars).ToHaveCountAsync(2);

        // An uploaded picture alone can be edited in a few steps.
        await Expect(visitor.Page.GetByText("Edit in a few steps")).ToHaveCountAsync(0);
        await Expect(visitor.Page.GetByText("Add and remove things")).ToHaveCountAsync(0);
        await visitor.Touch("Change the pose");
        await visitor.Pictures(3);
        await Expect(bars).ToHaveCountAsync(0);
        // A slider shows its value, also while it is moved.
        var slider = visitor.Page.Locator(".value-slider").First;
        await Expect(slider.Locator("output")).ToHaveTextAsync("0.08");
        await slider.Locator("input").EvaluateAsync("input => { input.value = 0.3; input.dispatchEvent(new Event('input', { bubbles: true })) }");
        await Expect(slider.Locator("output")).ToHaveTextAsync("0.3");
        await visitor.Pictures(3);
        await slider.Locator("input").EvaluateAsync("input => { input.value = 0.4; input.dispatchEvent(new Event('input', { bubbles: true })); input.dispatchEvent(new Event('change', { bubbles: true })) }");
        await visitor.Pictures(4);
        await Expect(slider.Locator("output")).ToHaveTextAsync("0.4");
        await visitor.Page.Keyboard.PressAsync("Control+z");
        await Expect(slider.Locator("output")).ToHaveTextAsync("0.08");
        await Expect(visitor.Page.GetByText("Keeps the looks of the subject")).ToBeVisibleAsync();

        await visitor.Page.Keyboard.PressAsync("Control+z");
        await Expect(bars).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task APictureThatIsOpenedForFewStepsIsEditedWithATurboModel()
    {
        await using var visitor = await browser.Visit();
        await visitor.Page.Locator("[data-upload]").SetInputFilesAsync(new FilePayload { Name = "mine.png", MimeType = "image/png", Buffer = TestStudio.Painted(128, 128) });
        var dialog = visitor.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("What does the picture show?").FillAsync("a house in a field");
        await dialog.GetByLabel("Steps").FillAsync("5");
        await Expect(dialog.GetByText("For few steps")).ToHaveCountAsync(0);
        await dialog.GetByText("null-text").ClickAsync();
        await visitor.Page.GetByText("edit-friendly", new() { Exact = true }).ClickAsync();
        await dialog.GetByText("For few steps").ClickAsync();
        await Expect(dialog.GetByLabel("Noise shift")).ToHaveValueAsync("1");
        await visitor.Touch("Open");
        await visitor.Pictures(2);
        await visitor.Touch("Edit with a turbo model");
        await visitor.Swap("house", "castle");
        await visitor.Pictures(3);
        await Expect(visitor.Page.GetByLabel("Strength")).ToBeVisibleAsync();
        await Expect(visitor.Page.GetByText("Edit in a few steps")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task APictureIsOpenedForAddingAndRemovingThings()
    {
        await using var visitor = await browser.Visit();
        await visitor.Page.Locator("[data-upload]").SetInputFilesAsync(new FilePayload { Name = "mine.png", MimeType = "image/png", Buffer = TestStudio.Painted(128, 128) });
        var dialog = visitor.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("What does the picture show?").FillAsync("a house in a field");
        await dialog.GetByLabel("Steps").FillAsync("5");
        await dialog.GetByText("null-text").ClickAsync();
        await visitor.Page.GetByText("edit-friendly", new() { Exact = true }).ClickAsync();
        await dialog.GetByText("For few steps").ClickAsync();
        await dialog.GetByText("For adding and removing things").ClickAsync();
        await Expect(dialog.GetByLabel("Noise shift")).ToHaveCountAsync(0);
        await visitor.Touch("Open");
        await visitor.Pictures(2);
        // Turbo models need an inversion with guidance 1.
        await Expect(visitor.Page.GetByText("Edit with a turbo model")).ToHaveCountAsync(0);
        await visitor.Touch("Add and remove things");
        await visitor.Swap("house", "castle");
        await visitor.Pictures(3);
    }
}
