using System.Net;
using System.Net.Http.Json;
using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Api;

[Trait("Category", "Slow")]
public sealed class StudioApiTests(SharedStudio shared)
{
    private static readonly object House = new { prompt = "a white house in a field", seed = 4, guidance = 5, steps = TestStudio.Steps };

    [Fact]
    public async Task AProgramDrawsEditsAndReadsWhatCameOfIt()
    {
        var studio = shared.Studio;
        var http = studio.Http;
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", House);
        var edit = await studio.Make(project, "edit", new { source, prompt = "a (red:1.5) house in a field", blend = "house" });

        var tree = await TestStudio.Json(await http.GetAsync($"/api/projects/{project}"));
        Assert.Equal(2, tree["versions"]!.AsArray().Count);
        Assert.Equal(source, (string?)tree["versions"]![1]!["parent"]);
        Assert.NotNull(tree["versions"]![1]!["facts"]!["mask"]);

        var address = $"/api/pictures/{tree["versions"]![1]!["picture"]}.png";
        var picture = await http.GetAsync(address);
        Assert.Equal("image/png", picture.Content.Headers.ContentType!.MediaType);
        Assert.Contains("immutable", picture.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
        using var again = new HttpRequestMessage(HttpMethod.Get, address);
        again.Headers.IfNoneMatch.Add(picture.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await http.SendAsync(again)).StatusCode);

        var attention = await TestStudio.Json(await http.GetAsync($"/api/versions/{edit}/attention"));
        Assert.Equal(6, attention["words"]!.AsArray().Count);
        Assert.Equal(TestStudio.Steps, attention["steps"]!.AsArray().Count);
        var command = await http.GetStringAsync($"/api/versions/{edit}/command");
        Assert.Equal(
            $"p2p edit \"a white house in a field\" \"a (red:1.5) house in a field\" --seed 4 --steps {TestStudio.Steps} --guidance 5 --scheduler ddim --blend \"house\"", command);
        Assert.Contains("recipes", await http.GetStringAsync($"/api/versions/{edit}/run.json"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"/api/grid.png?versions={source},{edit}")).StatusCode);
    }

    /// <summary>Also those that JavaScript would round, which may come as text.</summary>
    [Fact]
    public async Task SeedsHave64BitsAndPromptsWithOtherProgramsNotationGetNotes()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        foreach (var seed in new[] { "18446744073709551615", "\"18446744073709551615\"", "-1" })
        {
            using var body = new StringContent($$"""{"prompt":"a [white] house","negative":"(fog:1,5)","seed":{{seed}},"steps":1}""", System.Text.Encoding.UTF8, "application/json");
            var job = await TestStudio.Json(await studio.Http.PostAsync($"/api/projects/{project}/generate", body));
            Assert.Equal("18446744073709551615", job["recipe"]!["seed"]!.ToJsonString());
            Assert.Equal(2, job["notes"]!.AsArray().Count);
            Assert.Contains("(white:0.91)", (string?)job["notes"]![0], StringComparison.Ordinal);
        }

        using var wrong = new StringContent("""{"prompt":"a house","seed":18446744073709551616}""", System.Text.Encoding.UTF8, "application/json");
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "whole number", await studio.Http.PostAsync($"/api/projects/{project}/generate", wrong));
        var version = await studio.Make(project, "generate", new { prompt = "a white house", seed = ulong.MaxValue, steps = 1 });
        Assert.Contains("--seed 18446744073709551615", await studio.Http.GetStringAsync($"/api/versions/{version}/command"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProgramDeletesVersionsAndProjects()
    {
        await using var studio = await TestStudio.Start();
        var http = studio.Http;
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", House);
        await studio.Make(project, "edit", new { source, prompt = "a red house in a field" });
        var picture = studio.Store.Version(source).Picture;
        Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync($"/api/versions/{source}")).StatusCode);
        Assert.Empty(studio.Store.Versions(project));
        await TestStudio.RequireProblem(HttpStatusCode.NotFound, "Picture 1 was deleted.", await http.DeleteAsync($"/api/versions/{source}"));
        await TestStudio.RequireProblem(HttpStatusCode.NotFound, "Picture 1 was deleted.", await http.GetAsync($"/api/versions/{source}/attention"));
        await TestStudio.RequireProblem(HttpStatusCode.NotFound, "The picture was deleted.", await http.GetAsync($"/api/pictures/{picture}.png"));
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "source: Picture 1 was deleted.", await http.PostAsJsonAsync($"/api/projects/{project}/edit", new { source, prompt = "a house" }));
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "parent: Picture 1 was deleted.", await http.PostAsJsonAsync($"/api/projects/{project}/generate?parent={source}", House));
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "picture: The picture was deleted.", await http.PostAsJsonAsync($"/api/projects/{project}/invert", new { picture, prompt = "a house" }));
        Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync($"/api/projects/{project}")).StatusCode);
        await TestStudio.RequireProblem(HttpStatusCode.NotFound, "The project “A test” was deleted.", await http.GetAsync($"/api/projects/{project}"));
        await TestStudio.RequireProblem(HttpStatusCode.NotFound, "The project “A test” was deleted.", await http.DeleteAsync($"/api/projects/{project}"));
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "The project “A test” was deleted.", await http.PostAsJsonAsync($"/api/projects/{project}/generate", House));
    }

    [Fact]
    public async Task RecordedSourcesAreToldAndFreedAndMadeAgain()
    {
        await using var studio = await TestStudio.Start();
        var http = studio.Http;
        var project = await studio.NewProject();
        Assert.Empty((await TestStudio.Json(await http.GetAsync("/api/sessions"))).AsArray());
        var source = await studio.Make(project, "generate", House);
        var session = (await TestStudio.Json(await http.GetAsync("/api/sessions"))).AsArray().Single()!;
        Assert.Equal([source], session["versions"]!.AsArray().Select(version => (string)version!));
        Assert.True((long)session["bytes"]! > 1000);
        Assert.True((bool)(await TestStudio.Json(await http.GetAsync("/health")))["modelLoaded"]!);
        Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync($"/api/sessions/{session["key"]}")).StatusCode);
        await studio.Make(project, "edit", new { source, prompt = "a red house in a field" });
        Assert.Single((await TestStudio.Json(await http.GetAsync("/api/sessions"))).AsArray());
        await TestStudio.RequireProblem(HttpStatusCode.NotFound, "no recorded session", await http.DeleteAsync("/api/sessions/none"));
        var metrics = await http.GetStringAsync("/metrics");
        Assert.All(["studio_job_duration", "studio_sessions_size", "studio_queue_length", "http_server_request_duration"], name => Assert.Contains(name, metrics, StringComparison.Ordinal));
    }

    [Fact]
    public async Task WorkIsThereAfterARestart()
    {
        var folder = Directory.CreateTempSubdirectory("p2p-studio-").FullName;
        string project, source;
        await using (var first = await TestStudio.Start(folder))
        {
            project = await first.NewProject();
            source = await first.Make(project, "generate", House);
        }

        await using (var second = await TestStudio.Start(folder))
        {
            Assert.Equal(source, second.Store.Versions(project).Single().Id);
            await second.Make(project, "edit", new { source, prompt = "a red house in a field" });
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task AMistypedNameGetsASuggestion()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", House);
        var version = await studio.Make(project, "edit", new { source, prompt = "a red house in a field" });
        var picture = await studio.Send(TestStudio.Painted(64, 64));
        foreach (var (problem, verb, body) in new (string, string, object)[]
        {
            ("scheduler: \"eluer\" is unknown. Did you mean euler? Use ddim,", "generate", new { prompt = "a house", scheduler = "eluer" }),
            ("model: The studio has no model \"storybok\". Did you mean storybook?", "generate", new { prompt = "a house", model = "storybok" }),
            ("promt: There is no such field. Did you mean prompt? Use some of these:", "generate", new { promt = "a house" }),
            ("method: \"masctrl\" is unknown. Did you mean masactrl? Use p2p,", "edit", new { source, prompt = "a house", method = "masctrl" }),
            ("kind: There is no alignment \"repalce\". Did you mean replace? Use auto,", "edit", new { source, prompt = "a house", kind = "repalce" }),
            ("method: \"null-txt\" is unknown. Did you mean null-text? Use ", "invert", new { picture, prompt = "a house", method = "null-txt" }),
            ("frame: There is no framing \"corp\". Did you mean crop? Use crop,", "invert", new { picture, prompt = "a house", frame = "corp" }),
            ("columns: \"crossStep\" cannot vary in a grid. Did you mean crossSteps? Use crossSteps,", "grids", new { version, columns = "crossStep=0,1" }),
        })
            await TestStudio.RequireProblem(HttpStatusCode.BadRequest, problem, await studio.Http.PostAsJsonAsync($"/api/projects/{project}/{verb}", body));
    }

    [Fact]
    public async Task WhatDoesNotFitIsAProblemWithASentence()
    {
        await using var studio = await TestStudio.Start(change: options => options with { MaxUploadBytes = 40_000, MaxUploadPixels = 90_000 });
        var http = studio.Http;
        var project = await studio.NewProject();
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "0 is out of range", await http.PostAsJsonAsync($"/api/projects/{project}/generate", new { prompt = "a house", steps = 0 }));
        foreach (var guidance in new[] { "-3", "100000", "1e999", "\"NaN\"" })
        {
            var json = $$"""{"prompt": "a house", "guidance": {{guidance}}}""";
            var picture = await studio.Send(TestStudio.Painted(64, 64));
            foreach (var (verb, text) in new[] { ("generate", json), ("invert", json.Replace("{", $$"""{"picture": "{{picture}}", """, StringComparison.Ordinal)), ("inpaint", json.Replace("{", $$"""{"picture": "{{picture}}", "mask": "{{picture}}", """, StringComparison.Ordinal)) })
                await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "guidance: ", await http.PostAsync($"/api/projects/{project}/{verb}", new StringContent(text, System.Text.Encoding.UTF8, "application/json")));
        }

        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "wrong: There is no such field.", await http.PostAsJsonAsync($"/api/projects/{project}/generate", new { prompt = "a house", wrong = 1 }));
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "prompt", await http.PostAsJsonAsync($"/api/projects/{project}/generate", new { seed = 1 }));
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "no project", await http.PostAsJsonAsync("/api/projects/none/generate", House));
        var source = await studio.Make(project, "generate", House);
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "\"house=0.4\" is not a range of steps", await http.PostAsJsonAsync($"/api/projects/{project}/edit", new { source, prompt = "a house", crossSteps = "house=0.4" }));
        await TestStudio.RequireProblem(HttpStatusCode.NotFound, "no version", await http.GetAsync("/api/versions/none"));
        await TestStudio.RequireProblem(HttpStatusCode.NotFound, "no job", await http.GetAsync("/api/jobs/none/events"));
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "not an image", await http.PostAsync("/api/pictures", new ByteArrayContent("no picture"u8.ToArray())));
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "pixels", await http.PostAsync("/api/pictures", new ByteArrayContent(TestStudio.Painted(400, 400))));
        await TestStudio.RequireProblem(HttpStatusCode.RequestEntityTooLarge, "larger", await http.PostAsync("/api/pictures", new ByteArrayContent(new byte[50_000])));
    }

    [Fact]
    public async Task AFullQueueIsSaidSo()
    {
        await using var studio = await TestStudio.Start(change: options => options with { Limits = new EngineLimits { QueueLength = 1 } });
        var project = await studio.NewProject();
        var answers = new List<HttpResponseMessage>();
        for (var seed = 0; seed < 4; seed++)
            answers.Add(await studio.Http.PostAsJsonAsync($"/api/projects/{project}/generate", new { prompt = "a house", seed, steps = 200 }));
        await TestStudio.RequireProblem(HttpStatusCode.TooManyRequests, "waiting", answers[^1]);
        var job = (string)(await TestStudio.Json(answers[0]))["id"]!;
        await studio.Http.DeleteAsync($"/api/jobs/{job}");
        Assert.Equal("cancelled", (string?)(await studio.Over(job))["state"]);
    }

    [Fact]
    public async Task NothingNamedAndNothingSaidAreRefused()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "versions", await studio.Http.GetAsync("/api/grid.png?versions="));
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "101 versions", await studio.Http.GetAsync($"/api/grid.png?versions={string.Join(',', Enumerable.Repeat("a", 101))}"));
        var answer = await studio.Http.PostAsync(
            $"/api/projects/{project}/generate", new StringContent("{\"prompt\":null}", System.Text.Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task ItSaysWhatItIsAndHowItIs()
    {
        var studio = shared.Studio;
        var document = await TestStudio.Json(await studio.Http.GetAsync("/openapi/v1.json"));
        var paths = document["paths"]!.AsObject().Select(path => path.Key).ToList();
        Assert.All(["/api/projects/{id}/edit", "/api/versions/{id}", "/api/versions/{id}/own-size.png", "/api/sessions", "/api/sessions/{key}"], path => Assert.Contains(path, paths));
        var health = await TestStudio.Json(await studio.Http.GetAsync("/health"));
        Assert.Equal("Healthy", (string?)health["status"]);
        Assert.True((bool)health["storeWritable"]!);
        Assert.Equal(0, (int)health["waiting"]!);
        Assert.Contains("studio_queue_length", await studio.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        Assert.Equal("storybook", (string?)(await TestStudio.Json(await studio.Http.GetAsync("/api/studio")))["models"]![0]);
    }
}
