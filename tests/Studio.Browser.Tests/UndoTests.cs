using Microsoft.Playwright;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Engine;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class UndoTests(StudioBrowser browser)
{
    [Fact]
    public async Task KeysAndButtonsUndoAndRedo()
    {
        await using var visitor = await browser.Visit();
        var swapped = visitor.Page.Locator(".chip.swapped .word");
        await Expect(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Undo", Exact = true })).ToBeDisabledAsync();
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.Turn("house", "1.6");
        await visitor.Pictures(3);
        await visitor.Page.Keyboard.PressAsync("Control+z");
        await Expect(visitor.Page.GetByLabel("Weight of house")).ToHaveValueAsync("1");
        await Expect(visitor.Page.Locator(".chip .weight").Filter(new() { HasText = "×" })).ToHaveCountAsync(0);
        await Expect(swapped).ToHaveTextAsync("red");
        await visitor.Touch("Undo");
        await Expect(swapped).ToHaveCountAsync(0);
        await visitor.Page.Keyboard.PressAsync("Control+Shift+Z");
        await Expect(swapped).ToHaveTextAsync("red");
        await visitor.Touch("Redo");
        await Expect(visitor.Page.GetByLabel("Weight of house")).ToHaveValueAsync("1.6");
        // All of them were there already.
        await visitor.Pictures(3);
    }

    [Fact]
    public async Task KeyPressesOnAFaderAreUndoneTogether()
    {
        await using var visitor = await browser.Visit();
        var fader = visitor.Page.GetByLabel("Weight of house");
        await fader.FocusAsync();
        foreach (var weight in new[] { "×1.1", "×1.2", "×1.3" })
        {
            await fader.PressAsync("ArrowRight");
            await Expect(visitor.Page.Locator(".chip.weighted .weight")).ToHaveTextAsync(weight);
        }

        await visitor.Page.GetByLabel("Weight of white").FocusAsync();
        await fader.FocusAsync();
        await fader.PressAsync("ArrowRight");
        await Expect(visitor.Page.Locator("[title='Weight 1.4']")).ToHaveCountAsync(1);
        await visitor.Page.Keyboard.PressAsync("Control+z");
        await Expect(fader).ToHaveValueAsync("1.3");
        await visitor.Page.Keyboard.PressAsync("Control+z");
        await Expect(fader).ToHaveValueAsync("1");
        await Expect(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Undo", Exact = true })).ToBeDisabledAsync();
    }

    [Theory]
    [InlineData("Weight of house", "-2", "2", "title='Weight -2'")]
    [InlineData("Keep the shapes: until", "0", "100", "aria-valuetext='step 0'")]
    public async Task AKeyPressIsKeptThatIsFasterThanTheAnswerToTheOneBefore(string label, string lowest, string highest, string answer)
    {
        await using var visitor = await browser.Visit();
        var line = await HeldLine.Between(visitor.Page);
        await visitor.Page.ReloadAsync();
        await visitor.Ready();
        var fader = visitor.Page.GetByLabel(label, new() { Exact = true });
        await fader.FocusAsync();
        var answered = visitor.Page.Locator($"input[aria-label='{label}'][{answer}]");
        line.FromStudio.Hold();
        await fader.PressAsync("Home");
        await Expect(fader).ToHaveValueAsync(lowest);
        await line.FromStudio.Held;
        line.FromPage.Hold();
        await fader.PressAsync("End");
        line.FromStudio.Release();
        await Expect(answered).ToHaveCountAsync(1);
        await Expect(fader).ToHaveValueAsync(highest);
        line.FromPage.Release();
        await Expect(answered).ToHaveCountAsync(0);
        await Expect(fader).ToHaveValueAsync(highest);
    }

    [Fact]
    public async Task EachPictureHasAnAddressAndBackShowsThePictureBefore()
    {
        await using var visitor = await browser.Visit();
        await visitor.At("/p/[^/]+/1$");
        await visitor.Swap("white", "red");
        await visitor.At("/p/[^/]+/2$");
        await visitor.Page.GoBackAsync();
        await Expect(visitor.Page.Locator(".chip.swapped")).ToHaveCountAsync(0);
        await visitor.Page.GoForwardAsync();
        await Expect(visitor.Page.Locator(".chip.swapped .word")).ToHaveTextAsync("red");
        await visitor.Page.GoBackAsync();
        await Expect(visitor.Page.Locator(".chip.swapped")).ToHaveCountAsync(0);
        await visitor.Page.ReloadAsync();
        await visitor.Ready();
        await Expect(visitor.Page.Locator(".chip.swapped")).ToHaveCountAsync(0);
        Assert.EndsWith("/1", visitor.Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACancelledEditCanBeTriedAgain()
    {
        using var loaded = new ManualResetEventSlim();
        var slow = new OfferedModel("slow", () =>
        {
            loaded.Wait();
            throw new InvalidInputException("It was waited for.");
        });
        var studio = await TestStudio.Start(change: options => options with { Models = [TestStudio.Model, slow] });
        await using var visitor = await browser.Visit(studio.Address, own: studio);
        IReadOnlyList<string> during;
        try
        {
            // The device is busy with another model, so the edit waits.
            await studio.Post(await studio.NewProject(), "generate", new { prompt = "a house", model = "slow" });
            await visitor.Swap("white", "red");
            await Expect(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel", Exact = true })).ToBeVisibleAsync();
            during = await visitor.Page.Locator(".tools button").AllInnerTextsAsync();
            await visitor.Touch("Cancel");
            await Expect(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Try again" })).ToBeVisibleAsync();
        }
        finally
        {
            loaded.Set();
        }

        await visitor.Touch("Try again");
        await visitor.Pictures(2);
        await Expect(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Try again" })).ToHaveCountAsync(0);
        // The toolbar does not jump when an edit ends.
        await Expect(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Grid", Exact = true })).ToBeEnabledAsync();
        Assert.Equal(during, await visitor.Page.Locator(".tools button").AllInnerTextsAsync());
    }
}
