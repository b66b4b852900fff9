using System.Diagnostics;
using System.Text.Json.Nodes;

namespace PromptToPrompt.Studio.Tests.Documentation;

/// <summary>Runs the shell example of docs/studio.md as it is printed.</summary>
[Trait("Category", "Slow")]
public sealed class StudioExamplesTests(SharedStudio shared)
{
    private const string Begins = "    P=$(curl";
    private const string Host = "localhost:5272";

    [Fact]
    public async Task TheExampleForProgramsDoesWhatItSays()
    {
        foreach (var tool in new[] { "sh", "curl", "jq" })
            Assert.SkipUnless(IsInstalled(tool), $"{tool} is not installed (apt-get install {tool}).");
        var studio = shared.Studio;
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder["mine.png"], TestStudio.Painted(160, 120), TestContext.Current.CancellationToken);
        // Besides events, the jobs of the two edits are printed: one of a picture from noise, and one of a sent picture by another method.
        var jobs = (await Run(folder.Path, Example(studio.Address))).Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal([("a (red:1.5) house in a field", null), ("a red house in a field", "uni-edit")], jobs.Select(job => ((string?)job["recipe"]!["prompt"], (string?)job["recipe"]!["method"])));
        foreach (var job in jobs)
            Assert.Equal("done", (string?)(await studio.Over((string)job["id"]!))["state"]);
        Assert.Equal(4, studio.Store.Versions((string)jobs[0]["project"]!).Count);
    }

    private static string Example(Uri studio)
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Folder("docs"), "studio.md")).SkipWhile(line => !line.StartsWith(Begins, StringComparison.Ordinal)).TakeWhile(line => line.Length > 0).ToList();
        Assert.All(lines, line => Assert.Contains(Host, line, StringComparison.Ordinal));
        // A newline ends each answer.
        return string.Join("; echo\n", lines).Replace(Host, studio.Authority, StringComparison.Ordinal);
    }

    private static async Task<string> Run(string folder, string script)
    {
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-eu", "-c", script]) { WorkingDirectory = folder, RedirectStandardOutput = true })!;
        var output = await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, shell.ExitCode);
        return output;
    }

    private static bool IsInstalled(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, tool)));
}
