using System.Net;
using System.Net.Http.Json;

namespace PromptToPrompt.Studio.Tests.Api;

public sealed class PictureSizeTests(SharedStudio shared)
{
    [Fact]
    public async Task APictureOfItsOwnSizeIsEditedTwice()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", new { prompt = "a white house", steps = 2, size = "32x48" });
        var edit = await studio.Make(project, "edit", new { source, prompt = "a red house", blend = "house" });
        var again = await studio.Make(project, "edit", new { source = edit, prompt = "a red castle" });
        foreach (var version in new[] { source, edit, again }.Select(studio.Store.Version))
        {
            Assert.Equal((32, 48), (version.Facts.Width, version.Facts.Height));
            Assert.Null(version.Facts.Output);
        }

        Assert.Contains("--size 32x48", await studio.Http.GetStringAsync($"/api/versions/{edit}/command", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.NotNull(studio.Store.Maps(again));

        var refused = await studio.Http.PostAsJsonAsync($"/api/projects/{project}/generate", new { prompt = "a house", size = "large" }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("512x768", (string?)(await TestStudio.Json(refused))["errors"]!["size"]![0], StringComparison.Ordinal);
        foreach (var size in new[] { "4096x4096", "33x32" })
        {
            var over = await studio.Over(await studio.Post(project, "generate", new { prompt = "a house", steps = 1, size }));
            Assert.Equal(("failed", "size"), ((string?)over["state"], (string?)over["setting"]));
        }
    }
}
