using Microsoft.Playwright;
using PromptToPrompt.Studio.Browser.Tests;

[assembly: AssemblyFixture(typeof(StudioBrowser))]

namespace PromptToPrompt.Studio.Browser.Tests;

/// <summary>One browser and one studio for all tests in a browser; each test is a visitor of its own.</summary>
public sealed class StudioBrowser : IAsyncLifetime
{
    private const string NoBrowser = "There is no Chromium here: install it (apt-get install chromium), or name one in P2P_CHROMIUM.";

    private IPlaywright? playwright;
    private IBrowser? browser;
    private TestStudio? studio;

    internal TestStudio Studio => studio!;

    public async ValueTask InitializeAsync()
    {
        if (SystemChromium.Path is not { } path)
            return;
        Assertions.SetDefaultExpectTimeout(Visitor.Patience);
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = path, Args = ["--no-sandbox", "--disable-gpu"] });
        studio = await TestStudio.Start();
    }

    /// <summary>A visitor who has just opened the studio, with the first picture drawn.</summary>
    /// <param name="width">Width of their window.</param>
    /// <param name="height">Its height.</param>
    internal Task<Visitor> Visit(int width = 1280, int height = 900)
    {
        // Without a browser there is no studio.
        Assert.SkipUnless(browser is not null, NoBrowser);
        return Visit(Studio.Address, width, height);
    }

    /// <summary>A visitor of a studio that the test started.</summary>
    internal async Task<Visitor> Visit(Uri address, int width = 1280, int height = 900, TestStudio? own = null)
    {
        Assert.SkipUnless(browser is not null, NoBrowser);
        var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = height } });
        var visitor = new Visitor(context, await context.NewPageAsync(), own);
        await visitor.Open(address);
        return visitor;
    }

    public async ValueTask DisposeAsync()
    {
        if (browser is not null)
            await browser.DisposeAsync();
        playwright?.Dispose();
        if (studio is not null)
            await studio.DisposeAsync();
    }
}
