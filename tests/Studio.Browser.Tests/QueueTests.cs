using System.Net.Http.Json;
using PromptToPrompt.Diffusion.Images;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class QueueTests(StudioBrowser browser)
{
    [Fact]
    public async Task WaitingPicturesAreListedMovedAndCancelled()
    {
        await using var studio = await TestStudio.Start(change: options => options with { Models = [TestStudio.Embedded] });
        await using var visitor = await browser.Visit(studio.Address);
        var names = visitor.Page.Locator(".queue li > span");
        var running = await studio.Post(visitor.Project, "generate", new { prompt = "a green tree", steps = 900 });
        foreach (var prompt in new[] { "a red car", "a blue boat" })
            await studio.Post(visitor.Project, "generate", new { prompt, steps = 1 });
        await studio.Post(await studio.NewProject(), "generate", new { prompt = "a castle", steps = 1 });
        await Expect(names).ToHaveTextAsync(["a red car", "a blue boat", "a picture of another project"]);
        await visitor.Touch("Make a blue boat earlier");
        await Expect(names).ToHaveTextAsync(["a blue boat", "a red car", "a picture of another project"]);
        await visitor.Page.ReloadAsync();
        await visitor.Ready();
        await Expect(names).ToHaveTextAsync(["a blue boat", "a red car", "a picture of another project"]);

        var jobs = (await TestStudio.Json(await studio.Http.GetAsync("/api/jobs", TestContext.Current.CancellationToken))).AsArray();
        Assert.Equal(["a green tree", "a blue boat", "a red car", "a castle"], jobs.Select(job => (string?)job!["recipe"]!["prompt"]));
        await studio.Http.PutAsJsonAsync($"/api/jobs/{jobs[2]!["id"]}/place", new { place = 0 }, TestContext.Current.CancellationToken);
        await Expect(names.First).ToHaveTextAsync("a red car");
        await visitor.Touch("Cancel a blue boat");
        await Expect(names).ToHaveTextAsync(["a red car", "a picture of another project"]);
        await studio.Http.DeleteAsync($"/api/jobs/{running}", TestContext.Current.CancellationToken);
        await visitor.Pictures(2);
        await Expect(names).ToHaveCountAsync(0);
        var late = await studio.Http.PutAsJsonAsync($"/api/jobs/{running}/place", new { place = 0 }, TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.Conflict, late.StatusCode);
    }

    [Fact]
    public async Task WordsThatAreLearnedAreNotCalledPictures()
    {
        await using var studio = await TestStudio.Start(change: options => options with { Models = [LoraFiles.Model] });
        await using var visitor = await browser.Visit(studio.Address);
        var picture = studio.Store.Pictures.Add(new Image(64, 64, new byte[64 * 64 * Image.Channels]));
        foreach (var word in new[] { "<one>", "<two>" })
            await studio.Http.PostAsJsonAsync("/api/words", new { word, initial = "house", pictures = new[] { picture }, steps = 100_000 }, TestContext.Current.CancellationToken);
        await studio.Post(visitor.Project, "generate", new { prompt = "a red car", steps = 1 });
        await Expect(visitor.Page.Locator(".queue li > span")).ToHaveTextAsync(["learning <two>", "a red car"]);
        await Expect(visitor.Page.Locator(".queue h2")).ToHaveTextAsync("2 waiting");
        await visitor.Page.ReloadAsync();
        await visitor.Ready();
        await Expect(visitor.Page.Locator(".progress .said")).ToContainTextAsync("Waiting for 2 others");
    }
}
