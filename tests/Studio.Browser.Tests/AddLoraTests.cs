using System.Text.RegularExpressions;
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

    [Fact]
    public async Task SeveralDroppedLorasAreAddedOneAfterTheOther()
    {
        using var files = new LoraFiles();
        await using var studio = await TestStudio.Start(change: options => options with { Models = [LoraFiles.Model] });
        await using var visitor = await browser.Visit(studio.Address);
        await visitor.Page.EvaluateAsync(
            """
            () => {
                window.notes = []
                const sending = document.querySelector('[data-sending]')
                new MutationObserver(() => window.notes.push(sending.textContent)).observe(sending, { childList: true })
            }
            """);
        string[] paths = [files.Write("wide", width: 64), files.Write("ink"), files.Write("narrow", width: 16), files.Write("oil", strength: 2)];
        var dropped = await visitor.Page.EvaluateHandleAsync(
            "files => { const data = new DataTransfer(); for (const [name, bytes] of files) data.items.add(new File([Uint8Array.from(bytes)], name)); return data }",
            paths.Select(path => new object[] { Path.GetFileName(path), File.ReadAllBytes(path).Select(part => (int)part) }));
        await visitor.Page.Locator("main").DispatchEventAsync("drop", new { dataTransfer = dropped });
        await Expect(visitor.Page.GetByLabel("LoRA ink", new() { Exact = true })).ToHaveValueAsync("1");
        await Expect(visitor.Page.GetByLabel("LoRA oil", new() { Exact = true })).ToHaveValueAsync("1");
        await Expect(visitor.Alert).ToContainTextAsync(new Regex("wide.safetensors: .*another type of model.*\n.*narrow.safetensors: .*another type of model"));
        await Expect(visitor.Page.Locator("[data-sending]")).ToBeEmptyAsync();
        var notes = await visitor.Page.EvaluateAsync<string[]>("() => window.notes");
        Assert.Equal(["wide", "ink", "narrow", "oil"], notes.Select(note => Regex.Match(note, @"^Adding (\w+)\.safetensors \(\d of 4\), \d+ %$").Groups[1].Value).Where(name => name.Length > 0).Distinct());
    }
}
