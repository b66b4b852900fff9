using Microsoft.Playwright;
using PromptToPrompt.Diffusion.Images;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class LearnTests(StudioBrowser browser)
{
    [Fact]
    public async Task AWordIsLearnedFromPicturesAndForgotten()
    {
        await using var studio = await TestStudio.Start(change: options => options with { Models = [LoraFiles.Model] });
        await using var visitor = await browser.Visit(studio.Address);
        await visitor.Touch("Learn a word");
        await visitor.Page.Locator("[data-examples]").SetInputFilesAsync(new FilePayload { Name = "dark.png", MimeType = "image/png", Buffer = Picture(40) });
        var dropped = await visitor.Page.EvaluateHandleAsync(
            "bytes => { const data = new DataTransfer(); data.items.add(new File([Uint8Array.from(bytes)], 'light.png', { type: 'image/png' })); return data }", Picture(200).Select(part => (int)part));
        await visitor.Page.Locator("[data-learn]").DispatchEventAsync("drop", new { dataTransfer = dropped });
        await Expect(visitor.Page.Locator(".examples img")).ToHaveCountAsync(2);
        await visitor.Page.GetByLabel("New word").FillAsync("<my-house>");
        await visitor.Page.GetByLabel("Kind of thing").FillAsync("house");
        var steps = visitor.Page.GetByLabel("Steps to learn");
        await steps.FillAsync("2");
        await steps.BlurAsync();
        await visitor.Touch("Learn");
        var words = visitor.Page.GetByRole(AriaRole.List, new() { Name = "Learned words" });
        await Expect(words).ToContainTextAsync("<my-house>", new() { Timeout = 60_000 });
        await visitor.Touch("Forget <my-house>");
        await visitor.Touch("Forget");
        await Expect(words).ToHaveCountAsync(0);
    }

    private static byte[] Picture(byte gray) => new Image(64, 64, Enumerable.Repeat(gray, 64 * 64 * 3).ToArray()).ToPng();
}
