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
        await visitor.Touch("Change the pose");
        await visitor.Pictures(3);
        await Expect(bars).ToHaveCountAsync(0);
        await Expect(visitor.Page.GetByText("Keeps the looks of the subject")).ToBeVisibleAsync();

        await visitor.Page.Keyboard.PressAsync("Control+z");
        await Expect(bars).ToHaveCountAsync(2);
    }
}
