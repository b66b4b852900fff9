using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Api;

public sealed class ModelApiTests
{
    private static readonly object House = new { model = FetchedModels.Model, prompt = "a white house in a field", seed = 4, steps = 2 };

    [Fact]
    public async Task AFetchedModelIsOfferedAlsoAfterARestart()
    {
        await using var fetched = new FetchedModels();
        using var folder = new TemporaryFolder();
        await using (var studio = await fetched.Studio(folder.Path))
        {
            var end = await Fetch(studio, FetchedModels.Model);
            Assert.True((string?)end["state"] == "done", end.ToJsonString());
            Assert.True((long)end["done"]! > 0);
            Assert.Equal((long)end["total"]!, (long)end["done"]!);
            await studio.Make(await studio.NewProject(), "generate", House);
            // A model on offer is not fetched again.
            var before = fetched.Hub.Requests.Count;
            Assert.Equal("done", (string?)(await Fetch(studio, FetchedModels.Model))["state"]);
            Assert.Equal(before, fetched.Hub.Requests.Count);
        }

        await using var later = await fetched.Studio(folder.Path);
        var models = (await TestStudio.Json(await later.Http.GetAsync("/api/models"))).AsArray();
        Assert.Equal(["storybook", FetchedModels.Model], models.Select(model => (string?)model!["name"]));
        await later.Make(await later.NewProject(), "generate", House);
    }

    [Fact]
    public async Task ADownloadHoldsUpNoPictureAndCanBeCancelledAndResumed()
    {
        await using var fetched = new FetchedModels();
        await using var studio = await fetched.Studio();
        var held = new TaskCompletionSource();
        fetched.Hub.Fault = context => IsContent(context) ? Hold(context, held) : Task.FromResult(false);
        var fetch = await Begin(studio, FetchedModels.Model);
        await held.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await studio.Make(await studio.NewProject(), "generate", new { prompt = "a white house", steps = 1 });
        Assert.Equal("running", (string?)(await TestStudio.Json(await studio.Http.GetAsync(fetch)))["progress"]!["state"]);
        // The same model is the same download; another one has to wait.
        Assert.Equal(fetch, await Begin(studio, FetchedModels.Model));
        var variant = await studio.Http.PostAsJsonAsync("/api/models", new { model = FetchedModels.Model, variant = "fp16" });
        Assert.Equal(HttpStatusCode.TooManyRequests, variant.StatusCode);
        var other = await studio.Http.PostAsJsonAsync("/api/models", new { model = "owner/other" });
        Assert.Equal(HttpStatusCode.TooManyRequests, other.StatusCode);

        await studio.Http.DeleteAsync(fetch);
        Assert.Equal("cancelled", (string?)(await Over(studio, fetch))["state"]);
        fetched.Hub.Fault = _ => Task.FromResult(false);
        Assert.Equal("done", (string?)(await Fetch(studio, FetchedModels.Model))["state"]);
    }

    [Fact]
    public async Task OnlyNamesOfTheHubAreAccepted()
    {
        await using var fetched = new FetchedModels();
        await using var studio = await fetched.Studio();
        foreach (var name in new[] { "https://example.com/model", "/etc/passwd", "../owner/model", "owner/model@../main", "model", " " })
        {
            var answer = await studio.Http.PostAsJsonAsync("/api/models", new { model = name });
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.NotNull((await TestStudio.Json(answer))["errors"]!["model"]);
        }

        Assert.Empty(fetched.Hub.Requests);
    }

    [Fact]
    public async Task AFailedDownloadSaysWhyAndOffersNothing()
    {
        await using var fetched = new FetchedModels();
        await using var studio = await fetched.Studio();
        Assert.Contains("has no model owner/missing", await Problem(studio, "owner/missing"), StringComparison.Ordinal);
        Assert.Contains("has no revision \"later\"", await Problem(studio, "owner/model@later"), StringComparison.Ordinal);
        fetched.Hub.Fault = Answer(StatusCodes.Status401Unauthorized);
        Assert.Contains("set HF_TOKEN", await Problem(studio, FetchedModels.Model), StringComparison.Ordinal);
        fetched.Hub.Fault = _ => Task.FromResult(false);
        fetched.Hub.FalseSizes["unet/diffusion_pytorch_model.safetensors"] = long.MaxValue;
        Assert.Contains("Free some space", await Problem(studio, FetchedModels.Model), StringComparison.Ordinal);
        Assert.Single((await TestStudio.Json(await studio.Http.GetAsync("/api/models"))).AsArray());
        Assert.Equal(HttpStatusCode.NotFound, (await studio.Http.GetAsync("/api/models/fetches/none")).StatusCode);
    }

    [Fact]
    public async Task AVariantOfTheWeightsIsFetchedAndKept()
    {
        await using var fetched = new FetchedModels();
        fetched.AddVariant("fp16");
        using var folder = new TemporaryFolder();
        await using (var studio = await fetched.Studio(folder.Path))
        {
            foreach (var (variant, problem) in new[] { ("../fp16", "not the name of a variant"), (new string('a', 50), "not the name of a variant") })
            {
                var refused = await studio.Http.PostAsJsonAsync("/api/models", new { model = FetchedModels.Model, variant });
                Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
                Assert.Contains(problem, (string?)(await TestStudio.Json(refused))["errors"]!["variant"]![0], StringComparison.Ordinal);
            }

            Assert.Contains("Use fp16", await Problem(studio, FetchedModels.Model, "bf16"), StringComparison.Ordinal);
            Assert.Equal("done", (string?)(await Fetch(studio, FetchedModels.Model, "fp16"))["state"]);
            Assert.Equal("done", (string?)(await Fetch(studio, FetchedModels.Model, "fp16"))["state"]);
            var other = await studio.Http.PostAsJsonAsync("/api/models", new { model = FetchedModels.Model });
            Assert.Contains("variant fp16. Remove it first.", (string?)(await TestStudio.Json(other))["errors"]!["variant"]![0], StringComparison.Ordinal);
        }

        Assert.NotEmpty(fetched.Hub.Fetches("unet/diffusion_pytorch_model.fp16.safetensors"));
        await using var later = await fetched.Studio(folder.Path);
        var model = (await TestStudio.Json(await later.Http.GetAsync("/api/models")))[1]!;
        Assert.Equal((FetchedModels.Model, "fp16", true), ((string?)model["name"], (string?)model["variant"], (bool)model["fetched"]!));
        await later.Make(await later.NewProject(), "generate", House);
    }

    [Fact]
    public async Task AFetchedModelIsRemovedAndItsPicturesStay()
    {
        await using var fetched = new FetchedModels();
        using var folder = new TemporaryFolder();
        string project, picture;
        await using (var studio = await fetched.Studio(folder.Path))
        {
            await Fetch(studio, FetchedModels.Model);
            (project, var bytes) = (await studio.NewProject(), fetched.CachedBytes);
            picture = await studio.Make(project, "generate", House);
            // Also under the name of its revision: the files are those of both.
            await Fetch(studio, FetchedModels.Model + "@main");
            Assert.Equal(0, await Remove(studio, FetchedModels.Model + "@main"));
            var running = await studio.Post(project, "generate", new { model = FetchedModels.Model, prompt = "a red house", steps = 900 });
            Assert.Equal(HttpStatusCode.BadRequest, (await studio.Http.DeleteAsync(Address(FetchedModels.Model))).StatusCode);
            await studio.Http.DeleteAsync($"/api/jobs/{running}");
            await studio.Over(running);
            Assert.InRange(await Remove(studio, FetchedModels.Model), 1, bytes);
            Assert.True(fetched.CachedBytes < 1000, $"{fetched.CachedBytes} bytes are left");
            Assert.Equal(HttpStatusCode.NotFound, (await studio.Http.DeleteAsync(Address(FetchedModels.Model))).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await studio.Http.DeleteAsync(Address("storybook"))).StatusCode);
            Assert.Contains("has no model", await Refused(studio, project, picture), StringComparison.Ordinal);
        }

        await using var later = await fetched.Studio(folder.Path);
        Assert.Single((await TestStudio.Json(await later.Http.GetAsync("/api/models"))).AsArray());
        Assert.Equal(HttpStatusCode.OK, (await later.Http.GetAsync($"/api/versions/{picture}")).StatusCode);
        // Fetched again, it is the model that made the picture.
        await Fetch(later, FetchedModels.Model);
        await later.Make(project, "edit", new { source = picture, prompt = "a red house in a field" });
    }

    // The studio runs with it, by whatever name.
    [Fact]
    public async Task AModelThatTheStudioWasStartedWithCannotBeRemovedNorItsFiles()
    {
        await using var fetched = new FetchedModels();
        using var folder = new TemporaryFolder();
        string snapshot;
        await using (var studio = await fetched.Studio(folder.Path))
        {
            await Fetch(studio, FetchedModels.Model);
            snapshot = fetched.Snapshot;
        }

        await using (var named = await fetched.Studio(folder.Path, options => options with { Models = [Given(FetchedModels.Model)] }))
        {
            Assert.Equal(HttpStatusCode.NotFound, (await named.Http.DeleteAsync(Address(FetchedModels.Model))).StatusCode);
            Assert.False((bool)Assert.Single((await TestStudio.Json(await named.Http.GetAsync("/api/models"))).AsArray())!["fetched"]!);
            var variant = await named.Http.PostAsJsonAsync("/api/models", new { model = FetchedModels.Model, variant = "fp16" });
            Assert.Contains("was started with it", await variant.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        await using var byPath = await fetched.Studio(folder.Path, options => options with { Models = [Given(snapshot)] });
        var before = fetched.CachedBytes;
        Assert.Equal(0, await Remove(byPath, FetchedModels.Model));
        Assert.Equal(before, fetched.CachedBytes);
        await byPath.Make(await byPath.NewProject(), "generate", new { prompt = "a white house", steps = 1 });

        OfferedModel Given(string name) => new(name, () => StableDiffusionModel.Load(snapshot)) { Files = [snapshot] };
    }

    private static string Address(string model) => $"/api/models?model={Uri.EscapeDataString(model)}";

    private static async Task<long> Remove(TestStudio studio, string model)
    {
        var answer = await studio.Http.DeleteAsync(Address(model));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (long)(await TestStudio.Json(answer))["freed"]!;
    }

    private static async Task<string> Refused(TestStudio studio, string project, string source)
    {
        var answer = await studio.Http.PostAsJsonAsync($"/api/projects/{project}/edit", new { source, prompt = "a red house in a field" });
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }

    private static bool IsContent(HttpContext context) => context.Request.Path.StartsWithSegments("/content");

    private static async Task<bool> Hold(HttpContext context, TaskCompletionSource held)
    {
        held.TrySetResult();
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        return true;
    }

    private static Func<HttpContext, Task<bool>> Answer(int status) => context =>
    {
        HubServer.Refuse(context, status);
        return Task.FromResult(true);
    };

    private static async Task<string> Problem(TestStudio studio, string model, string? variant = null)
    {
        var end = await Fetch(studio, model, variant);
        Assert.Equal("failed", (string?)end["state"]);
        return (string)end["problem"]!;
    }

    private static async Task<JsonNode> Fetch(TestStudio studio, string model, string? variant = null) => await Over(studio, await Begin(studio, model, variant));

    private static async Task<string> Begin(TestStudio studio, string model, string? variant = null)
    {
        var answer = await studio.Http.PostAsJsonAsync("/api/models", new { model, variant });
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return answer.Headers.Location!.ToString();
    }

    private static async Task<JsonNode> Over(TestStudio studio, string fetch)
    {
        await studio.Fetcher.Find(fetch.Split('/')[^1])!.WhenOver.WaitAsync(TimeSpan.FromMinutes(1));
        return (await TestStudio.Json(await studio.Http.GetAsync(fetch)))["progress"]!;
    }
}
