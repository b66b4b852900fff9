using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Store;
using SkiaSharp;

namespace PromptToPrompt.Studio.Tests;

/// <summary>A studio that listens at a free port, with a small random model and few steps; its folder is gone afterwards.</summary>
internal sealed class TestStudio : IAsyncDisposable
{
    public const int Steps = 6;

    private readonly string folder;
    private readonly bool ownsFolder;
    private readonly WebApplication app;

    private TestStudio(string folder, bool ownsFolder, WebApplication app)
    {
        (this.folder, this.ownsFolder, this.app) = (folder, ownsFolder, app);
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        Http = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromMinutes(2) };
    }

    /// <summary>The embedded model, for tests that need pictures of something.</summary>
    public static OfferedModel Embedded { get; } = new("storybook", EmbeddedModel.Load)
    {
        LoadTokenizer = (_, _) => StableDiffusionModel.LoadTokenizer(EmbeddedModel.Folder()),
        Words = ModelWords.Find(EmbeddedModel.Folder()),
    };

    /// <summary>A random model with the embedded one's name and words. Its pictures show nothing and take a tenth of the time.</summary>
    public static OfferedModel Model { get; } = Embedded with { Load = () => StableDiffusionModel.Load(TinyModel.Shared.Folder) };

    public Uri Address { get; }

    public HttpClient Http { get; }

    public StudioStore Store => app.Services.GetRequiredService<StudioStore>();

    public GridMaker Grids => app.Services.GetRequiredService<GridMaker>();

    public ModelFetcher Fetcher => app.Services.GetRequiredService<ModelFetcher>();

    public static async Task<TestStudio> Start(string? folder = null, Func<StudioOptions, StudioOptions>? change = null)
    {
        var data = folder ?? Directory.CreateTempSubdirectory("p2p-studio-").FullName;
        var options = new StudioOptions { DataFolder = data, Port = 0, Models = [Model], DefaultSteps = Steps, DrawGrid = DrawFirst, DrawTable = table => table.Rows[0].Pictures[0]!.ToPng() };
        var app = StudioServer.Create(change is null ? options : change(options));
        await app.StartAsync();
        return new TestStudio(data, folder is null, app);
    }

    public async Task<string> NewProject()
    {
        var answer = await Http.PostAsJsonAsync("/api/projects", new { name = "A test" });
        return (string)(await Json(answer))["id"]!;
    }

    /// <summary>Asks for a picture, waits for it, and gives its version's id.</summary>
    public async Task<string> Make(string project, string kind, object recipe)
    {
        var over = await Over(await Post(project, kind, recipe));
        Assert.True((string?)over["state"] == "done", over.ToJsonString());
        return (string)over["version"]!;
    }

    /// <summary>Asks for a picture and gives the job's id.</summary>
    public async Task<string> Post(string project, string kind, object recipe)
    {
        var answer = await Http.PostAsJsonAsync($"/api/projects/{project}/{kind}", recipe);
        Assert.True(answer.StatusCode == System.Net.HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync());
        return (string)(await Json(answer))["id"]!;
    }

    /// <summary>Follows a job's events to the last one.</summary>
    public async Task<JsonNode> Over(string job)
    {
        var events = await Http.GetStringAsync($"/api/jobs/{job}/events");
        var last = events.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1];
        Assert.Contains("event: over", last, StringComparison.Ordinal);
        return JsonNode.Parse(last.Split('\n').First(line => line.StartsWith("data: ", StringComparison.Ordinal))[6..])!;
    }

    public static async Task<JsonNode> Json(HttpResponseMessage answer) => JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;

    /// <summary>Requires a problem with a sentence.</summary>
    public static async Task RequireProblem(HttpStatusCode status, string sentence, HttpResponseMessage answer)
    {
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains(sentence, (string?)(await Json(answer))["title"], StringComparison.Ordinal);
    }

    /// <summary>Sends a picture; its name.</summary>
    public async Task<string> Send(byte[] picture) =>
        (string)(await Json(await Http.PostAsync("/api/pictures", new ByteArrayContent(picture))))["picture"]!;

    /// <summary>A PNG of colors, or a mask of its left half.</summary>
    public static byte[] Painted(int width, int height, bool half = false)
    {
        var rgb = new byte[width * height * 3];
        for (var i = 0; i < width * height; i++)
        {
            var (x, y) = (i % width, i / width);
            if (half)
                rgb.AsSpan(i * 3, 3).Fill(x < width / 2 ? byte.MaxValue : byte.MinValue);
            else
                (rgb[i * 3], rgb[(i * 3) + 1], rgb[(i * 3) + 2]) = ((byte)(x * 255 / width), (byte)(y < height / 2 ? 200 : 120), (byte)(y * 255 / height));
        }

        using var bitmap = new Image(width, height, rgb).ToBitmap();
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        if (ownsFolder)
            Directory.Delete(folder, recursive: true);
    }

    private static byte[] DrawFirst(IReadOnlyList<(Image Image, string Caption)> pictures)
    {
        using var bitmap = pictures[0].Image.ToBitmap();
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
