using System.Diagnostics;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.RegularExpressions;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Samples.Tests;

/// <summary>Each sample runs as the program it is; the documents quote the samples word by word.</summary>
[Trait("Category", "Process")]
public sealed partial class SamplesTests : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void QuickstartMakesThreeImages()
    {
        Run("Quickstart");
        Assert.Equal(["house.png", "night.png", "red.png"], folder.Files);
        Assert.NotEqual(Image.Load(folder["house.png"]).Rgb, Image.Load(folder["red.png"]).Rgb);
    }

    [Fact]
    public void APhotoIsEditedAtItsOwnSize()
    {
        new Image(150, 100, [.. Enumerable.Range(0, 150 * 100 * 3).Select(i => (byte)(i / 450))]).SavePng(folder["photo.png"]);
        var output = Run("EditAPhoto", "photo.png", "a house in a field", "a red house in a field", "3");
        Assert.Contains("optimizing 3/3", output, StringComparison.Ordinal);
        Assert.Equal(new PixelSize(150, 100), Image.Load(folder["edit.png"]).Size);
    }

    [Fact]
    public void ACustomProcessorSeesEveryStep()
    {
        Assert.Contains("step 10/10:", Run("CustomAttentionProcessor"), StringComparison.Ordinal);
        Assert.True(File.Exists(folder["house.png"]));
    }

    [Fact]
    public async Task TheEndpointAnswersWithAnImage()
    {
        using var server = Start("WebApi", "--urls", "http://127.0.0.1:0");
        var errors = server.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var address = "";
        while (address.Length == 0 && await server.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            address = Address().Match(line) is { Success: true } match ? match.Value : "";
        var rest = server.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            using var client = new HttpClient { BaseAddress = new Uri(address), Timeout = Longest };
            using var edited = await client.PostAsJsonAsync("edit", new { prompt = "a white house", newPrompt = "a red house", seed = 4, steps = 3 }, TestContext.Current.CancellationToken);
            Assert.Equal("image/png", edited.Content.Headers.ContentType?.MediaType);
            using var refused = await client.PostAsJsonAsync("edit", new { prompt = "a house", newPrompt = "a red house", steps = 0 }, TestContext.Current.CancellationToken);
            Assert.Equal(System.Net.HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("Steps: 0 is out of range.", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
        finally
        {
            server.Kill(entireProcessTree: true);
        }

        await rest;
        await errors;
    }

    [Theory]
    [InlineData("README.md", "Quickstart")]
    [InlineData("src/Package/README.md", "Quickstart")]
    [InlineData("docs/library.md", "Quickstart")]
    [InlineData("docs/library.md", "EditAPhoto")]
    [InlineData("docs/library.md", "CustomAttentionProcessor")]
    [InlineData("docs/library.md", "WebApi")]
    public void ADocumentQuotesItsSample(string document, string sample)
    {
        var text = File.ReadAllText(Repository.Folder(document)).ReplaceLineEndings("\n");
        var quoted = CodeBlock().Matches(text).Select(match => match.Groups[1].Value.Trim()).ToList();
        Assert.Contains(Snippet(sample), quoted);
    }

    public void Dispose() => folder.Dispose();

    private static string Snippet(string sample)
    {
        var source = File.ReadAllText(Repository.Folder("samples", sample, "Program.cs")).ReplaceLineEndings("\n");
        return source.Split("// <snippet>\n")[1].Split("// </snippet>")[0].Trim();
    }

    private string Run(string sample, params string[] arguments)
    {
        using var process = Start(sample, arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Longest))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{sample} did not end.");
        }

        Assert.True(process.ExitCode == 0, error.Result);
        return output.Result;
    }

    private Process Start(string sample, params string[] arguments)
    {
        var configuration = typeof(SamplesTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "Configuration").Value!;
        var program = Repository.Folder("samples", sample, "bin", configuration, "net10.0", $"{sample}.dll");
        return Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex Address();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
