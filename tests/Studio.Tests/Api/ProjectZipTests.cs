using System.IO.Compression;
using System.Net;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Api;

namespace PromptToPrompt.Studio.Tests.Api;

public sealed class ProjectZipTests(SharedStudio shared)
{
    [Fact]
    public async Task AllPicturesComeInOneFileWithTheirRecipes()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", new { prompt = "a white house", seed = 4, steps = 1 });
        await studio.Make(project, "edit", new { source, prompt = "a (red:1.5) house" });
        var named = await studio.Make(project, "edit", new { source, prompt = "a blue house" });
        studio.Store.Mark(studio.Store.Version(named), "../Mine / Ω!", false);

        var answer = await studio.Http.GetAsync($"/api/projects/{project}/pictures.zip", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(("application/zip", "a-test.zip"), (answer.Content.Headers.ContentType!.MediaType, answer.Content.Headers.ContentDisposition!.FileName));
        // It is sent while it is written.
        Assert.Null(answer.Content.Headers.ContentLength);
        await using var zip = new ZipArchive(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.Equal(["01-a-white-house.png", "02-a-red-house.png", "03-mine-ω.png", "recipes.json"], zip.Entries.Select(entry => entry.FullName));
        using var png = new MemoryStream();
        await using (var entry = zip.Entries[1].Open())
            await entry.CopyToAsync(png, TestContext.Current.CancellationToken);
        png.Position = 0;
        Assert.Equal(["parameters", "p2p"], PngText.ReadAll(png).Select(text => text.Keyword));
        await using var json = zip.Entries[3].Open();
        var pictures = (await JsonNode.ParseAsync(json, cancellationToken: TestContext.Current.CancellationToken))!["pictures"]!.AsArray();
        Assert.Equal(["a white house", "a (red:1.5) house", "a blue house"], pictures.Select(picture => (string?)picture!["version"]!["recipe"]!["prompt"]));
        Assert.Equal(HttpStatusCode.NotFound, (await studio.Http.GetAsync("/api/projects/none/pictures.zip", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public void NamesAreShort()
    {
        Assert.Equal("picture", ProjectZip.NameOf("…", "picture"));
        Assert.InRange(ProjectZip.NameOf(string.Join(' ', Enumerable.Repeat("house", 100)), "").Length, 50, 60);
        Assert.Equal("none", ProjectZip.NameOf(new string('a', 500), "none"));
    }
}
