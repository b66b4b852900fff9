using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class ConnectionTests(StudioBrowser browser)
{
    [Fact]
    public async Task ThePageNeedsNobodyButTheStudio()
    {
        await using var visitor = await browser.Visit();
        var sockets = new List<string>();
        visitor.Page.WebSocket += (_, socket) => sockets.Add(new Uri(socket.Url).Authority);
        await visitor.Page.ReloadAsync();
        await visitor.Ready();
        await visitor.Touch("Projects");
        await visitor.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Delete this project" }).ClickAsync();
        await Expect(visitor.Page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();

        var own = browser.Studio.Address.Authority;
        Assert.Equal([own], sockets.Distinct());
        Assert.All(visitor.Asked.Where(asked => asked.Scheme is not ("data" or "blob")), asked => Assert.Equal(own, asked.Authority));
        Assert.Contains(visitor.Asked, asked => asked.AbsolutePath == "/assets/mudblazor.css");
        Assert.True(await visitor.Page.EvaluateAsync<bool>("document.fonts.ready.then(() => ['16px Garamond', '16px Inter'].every(font => document.fonts.check(font)))"));
    }

    [Fact]
    public async Task AStudioThatWentAwayIsMissedAndFoundAgainWithAllPictures()
    {
        var folder = Directory.CreateTempSubdirectory("p2p-studio-").FullName;
        var first = await TestStudio.Start(folder);
        await using var visitor = await browser.Visit(first.Address);
        await visitor.Swap("white", "red");
        await visitor.Pictures(2);
        await visitor.At("/p/[^/]+/2$");
        await first.DisposeAsync();
        await Expect(visitor.Page.GetByText("The studio does not answer")).ToBeVisibleAsync();

        await using (await TestStudio.Start(folder, options => options with { Port = first.Address.Port }))
        {
            await visitor.Page.WaitForFunctionAsync("() => !document.querySelector('#components-reconnect-modal[class*=components-reconnect-show]')");
            await visitor.Ready();
            await visitor.Pictures(2);
            await Expect(visitor.Page.Locator(".chip.swapped .word")).ToHaveTextAsync("red");
            await visitor.Page.GotoAsync("about:blank");
        }

        Directory.Delete(folder, recursive: true);
    }
}
