using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Studio.Tests.Api;

[Trait("Category", "Slow")]
public sealed class WordApiTests
{
    private const string Word = "<my-house>";

    [Fact]
    public async Task ALearnedWordIsForAllPromptsAndChangesNoOthers()
    {
        using var folder = new TemporaryFolder();
        string project, plain, own;
        await using (var studio = await Start(folder.Path))
        {
            project = await studio.NewProject();
            plain = await studio.Make(project, "generate", House("house"));
            var before = await studio.Make(project, "generate", House(Word));
            await Learn(studio, steps: 2);
            Assert.Equal([Word], await Words(studio));
            // The source was made without the word, and is still the same picture.
            var edit = await studio.Make(project, "edit", new { source = plain, prompt = $"a white {Word} in a field" });
            Assert.Equal(plain, await studio.Make(project, "generate", House("house")));
            own = await studio.Make(project, "generate", House(Word));
            Assert.NotEqual(studio.Store.Version(before).Picture, studio.Store.Version(own).Picture);
            foreach (var version in new[] { edit, own })
                Assert.Contains($"--embedding \"{Word}=", await Command(studio, version), StringComparison.Ordinal);
            Assert.DoesNotContain("--embedding", await Command(studio, plain), StringComparison.Ordinal);
        }

        await using var later = await Start(folder.Path);
        Assert.Equal([Word], await Words(later));
        await later.Make(project, "edit", new { source = own, prompt = $"a red {Word} in a field" });

        // Forgotten, the word means something else; its pictures stay, but attention of one word must not steer another.
        Assert.Equal(HttpStatusCode.NoContent, (await later.Http.DeleteAsync($"/api/words?word={Word}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await later.Http.DeleteAsync($"/api/words?word={Word}")).StatusCode);
        Assert.Empty(await Words(later));
        await later.Make(project, "edit", new { source = plain, prompt = "a red house in a field" });
        var over = await later.Over(await later.Post(project, "edit", new { source = own, prompt = $"a blue {Word} in a field" }));
        Assert.Contains("was made by another model", (string?)over["problem"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatCannotBeLearnedIsRefused()
    {
        await using var studio = await Start();
        var picture = Pictures(studio)[0];
        foreach (var (body, field) in new (object, string)[]
        {
            (new { word = "my house", initial = "house", pictures = new[] { picture } }, "word"),
            (new { word = new string('ж', 60), initial = "house", pictures = new[] { picture } }, "word"),
            (new { word = Word, initial = "", pictures = new[] { picture } }, "initial"),
            (new { word = Word, initial = "house", pictures = Array.Empty<string>() }, "pictures"),
            (new { word = Word, initial = "house", pictures = Enumerable.Repeat(picture, 11) }, "pictures"),
            (new { word = Word, initial = "house", pictures = new[] { "none" } }, "pictures"),
            (new { word = Word, initial = "house", pictures = "none" }, "pictures"),
            (new { word = Word, initial = "house", pictures = new string?[] { null } }, "pictures"),
            (new { word = Word, initial = new string('a', 1000), pictures = new[] { picture } }, "initial"),
            (new { word = Word, initial = "housewhite", pictures = new[] { picture } }, "initial"),
            (new { word = "house", initial = "house", pictures = new[] { picture } }, "word"),
            (new { word = Word, initial = "house", pictures = new[] { picture }, steps = 0 }, "steps"),
            (new { word = Word, initial = "house", pictures = new[] { picture }, model = "none" }, "model"),
        })
        {
            var answer = await studio.Http.PostAsJsonAsync("/api/words", body);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.NotNull((await TestStudio.Json(answer))["errors"]![field]);
        }

        Assert.Empty(await Words(studio));
    }

    [Fact]
    public async Task LearningResumesAfterARestartAndCanBeCancelled()
    {
        using var folder = new TemporaryFolder();
        string job;
        await using (var studio = await Start(folder.Path))
        {
            job = await Begin(studio, new { word = Word, initial = "house", pictures = Pictures(studio), steps = 100_000 });
            await Step(studio, job, least: 3);
        }

        var saved = Unfinished(folder, job);
        Assert.True(File.Exists(saved));
        // Of a job that is gone.
        await File.WriteAllTextAsync(Unfinished(folder, "other"), "");
        await using var later = await Start(folder.Path);
        Assert.Equal([saved], Directory.GetFiles(folder["words"]));
        // The first step after the restart is not the first of all.
        Assert.True(await Step(later, job, least: 1) > 3);
        await later.Http.DeleteAsync($"/api/jobs/{job}");
        Assert.Equal("cancelled", (string?)(await later.Over(job))["state"]);
        Assert.Empty(await Words(later));
        Assert.Empty(Directory.GetFiles(folder["words"]));
    }

    [Fact]
    public async Task ProgressIsSavedNowAndThenAndALostOneIsNoLostJob()
    {
        using var folder = new TemporaryFolder();
        string job;
        await using (var studio = await Start(folder.Path))
        {
            job = await Begin(studio, new { word = Word, initial = "house", pictures = Pictures(studio), steps = 100_000 });
            await Step(studio, job, least: 52);
            Assert.True(File.Exists(Unfinished(folder, job)));
            // No file can be written there.
            File.Delete(Unfinished(folder, job));
            Directory.CreateDirectory(Unfinished(folder, job));
        }

        Directory.Delete(Unfinished(folder, job));
        await using var later = await Start(folder.Path);
        Assert.InRange(await Step(later, job, least: 1), 1, 50);
        await later.Http.DeleteAsync($"/api/jobs/{job}");
    }

    private static string Unfinished(TemporaryFolder folder, string job) => folder[$"words/{job}.unfinished"];

    private static Task<TestStudio> Start(string? folder = null) => TestStudio.Start(folder, options => options with { Models = [LoraFiles.Model] });

    private static object House(string word) => new { prompt = $"a white {word} in a field", seed = 4, steps = 2 };

    private static string[] Pictures(TestStudio studio) => [.. new[] { 40, 200 }.Select(gray => studio.Store.Pictures.Add(new Image(80, 64, Enumerable.Repeat((byte)gray, 80 * 64 * 3).ToArray())))];

    private static async Task Learn(TestStudio studio, int steps)
    {
        var over = await studio.Over(await Begin(studio, new { word = Word, initial = "house", pictures = Pictures(studio), steps }));
        Assert.True((string?)over["state"] == "done", over.ToJsonString());
    }

    private static async Task<string> Begin(TestStudio studio, object body)
    {
        var answer = await studio.Http.PostAsJsonAsync("/api/words", body);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync());
        return (string)(await TestStudio.Json(answer))["id"]!;
    }

    // Reads events until a step.
    private static async Task<int> Step(TestStudio studio, string job, int least)
    {
        using var events = new StreamReader(await studio.Http.GetStreamAsync($"/api/jobs/{job}/events"));
        while (await events.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && (int)JsonNode.Parse(line[6..])!["step"]! is var step && step >= least)
                return step;
        }

        throw new InvalidOperationException("The job ended before that step.");
    }

    private static async Task<IEnumerable<string?>> Words(TestStudio studio) =>
        (await TestStudio.Json(await studio.Http.GetAsync("/api/models")))[0]!["words"]!.AsArray().Select(word => (string?)word);

    private static Task<string> Command(TestStudio studio, string version) => studio.Http.GetStringAsync($"/api/versions/{version}/command");
}
