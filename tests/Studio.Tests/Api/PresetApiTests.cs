using System.Net;
using System.Net.Http.Json;

namespace PromptToPrompt.Studio.Tests.Api;

public sealed class PresetApiTests
{
    [Fact]
    public async Task APresetKeepsAllSettingsButPromptAndSeed()
    {
        using var folder = new TemporaryFolder();
        await using (var studio = await TestStudio.Start(folder.Path))
        {
            await Save(studio, "Bold/fast", new { prompt = "a house", seed = 9, steps = 12, guidance = 4.5, size = "128x64", negative = "fog", clipSkip = 1 });
            await Save(studio, "another", new { prompt = "", steps = 3 });
            await Save(studio, "another", new { prompt = "", steps = 4, scheduler = "euler" });
        }

        await using var later = await TestStudio.Start(folder.Path);
        var presets = (await TestStudio.Json(await later.Http.GetAsync("/api/presets"))).AsArray();
        Assert.Equal(["another", "Bold/fast"], presets.Select(preset => (string?)preset!["name"]));
        Assert.Equal("euler", (string?)presets[0]!["settings"]!["scheduler"]);
        var bold = presets[1]!["settings"]!;
        Assert.Equal(("", 0, 12, 4.5), ((string?)bold["prompt"], (int)bold["seed"]!, (int)bold["steps"]!, (double)bold["guidance"]!));
        Assert.Equal(("storybook", "128x64", "fog", 1), ((string?)bold["model"], (string?)bold["size"], (string?)bold["negative"], (int)bold["clipSkip"]!));

        Assert.Equal(HttpStatusCode.NoContent, (await later.Http.DeleteAsync("/api/presets?name=Bold%2Ffast")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await later.Http.DeleteAsync("/api/presets?name=Bold%2Ffast")).StatusCode);
        Assert.Single((await TestStudio.Json(await later.Http.GetAsync("/api/presets"))).AsArray());
    }

    [Fact]
    public async Task InvalidSettingsAreNotSaved()
    {
        await using var studio = await TestStudio.Start();
        foreach (var (name, settings, field) in new (string, object, string)[]
        {
            ("a", new { prompt = "", steps = 0 }, "steps"), ("a", new { prompt = "", model = "none" }, "model"), ("a", new { prompt = "", scheduler = "none" }, "scheduler"),
            (" ", new { prompt = "" }, "name"), (new string('a', 121), new { prompt = "" }, "name"),
        })
        {
            var answer = await studio.Http.PutAsJsonAsync($"/api/presets?name={name}", settings);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.NotNull((await TestStudio.Json(answer))["errors"]![field]);
        }

        Assert.Empty((await TestStudio.Json(await studio.Http.GetAsync("/api/presets"))).AsArray());
    }

    private static async Task Save(TestStudio studio, string name, object settings) =>
        Assert.Equal(HttpStatusCode.OK, (await studio.Http.PutAsJsonAsync($"/api/presets?name={Uri.EscapeDataString(name)}", settings)).StatusCode);
}
