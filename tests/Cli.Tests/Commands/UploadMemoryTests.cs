using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using SkiaSharp;

namespace PromptToPrompt.Cli.Tests.Commands;

[Trait("Category", "Process")]
public sealed class UploadMemoryTests
{
    // As many pixels as the studio accepts, in a file that compresses to nearly nothing.
    private const int Side = 6470;
    private const int Pictures = 5;
    private const long MaxMegabytes = 400;

    [Fact]
    public async Task ManySmallFilesWithManyPixelsAreDecodedOneAfterTheOther()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The memory of another process is read from /proc.");
        using var folder = new TemporaryFolder();
        using var studio = await StudioProcess.Start("--model", EmbeddedModel.Folder(), "--data", folder["data"]);
        var file = Blank();
        Assert.True(file.Length < 1 << 20, $"{file.Length} bytes");
        var answers = await Task.WhenAll(Enumerable.Range(0, Pictures).Select(_ => studio.Http.PostAsync("/api/pictures", new ByteArrayContent(file), TestContext.Current.CancellationToken)));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Created, answer.StatusCode));

        // Reduced pictures, and recipes with a mask of this size, hold no picture whole.
        var picture = (string)JsonNode.Parse(await answers[0].Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["picture"]!;
        var project = (string)JsonNode.Parse(await (await Post("/api/projects", new { name = "large" })).Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["id"]!;
        var reduced = await Task.WhenAll(Enumerable.Range(0, Pictures).Select(k => studio.Http.GetAsync($"/api/pictures/{picture}.png?side={300 + k}", TestContext.Current.CancellationToken)));
        Assert.All(reduced, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        var refused = await Task.WhenAll(Enumerable.Range(0, Pictures).Select(_ => Post($"/api/projects/{project}/inpaint", new { prompt = "a house", picture, mask = picture, steps = 0 })));
        Assert.All(refused, answer => Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode));
        Assert.InRange(PeakMegabytes(studio.Process.Id), 1, MaxMegabytes);

        Task<HttpResponseMessage> Post(string address, object body) => studio.Http.PostAsJsonAsync(address, body, TestContext.Current.CancellationToken);
    }

    private static byte[] Blank()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque));
        bitmap.Erase(SKColors.SteelBlue);
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static long PeakMegabytes(int process) =>
        File.ReadLines($"/proc/{process}/status").Where(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2]) >> 10).Single();
}
