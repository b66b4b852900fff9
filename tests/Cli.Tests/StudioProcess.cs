using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace PromptToPrompt.Cli.Tests;

/// <summary>A studio that the command serves at a free port, and a client at the printed address.</summary>
internal sealed record StudioProcess(Process Process, HttpClient Http) : IDisposable
{
    // Two busy cores may take their time.
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    public static async Task<StudioProcess> Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "p2p.dll"), "serve", "--port", "0", .. arguments])
        {
            RedirectStandardOutput = true,
            Environment = { ["OMP_NUM_THREADS"] = "1" },
        };
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        return new(process, new HttpClient { BaseAddress = new Uri(line!.Split(' ')[^1]), Timeout = Longest });
    }

    public async Task<JsonNode> Get(string address) => JsonNode.Parse(await Http.GetStringAsync(address))!;

    public async Task<JsonNode> Post(string address, object body)
    {
        var answer = await Http.PostAsJsonAsync(address, body);
        return JsonNode.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!;
    }

    public async Task<string> Make(string project, string kind, object recipe)
    {
        var job = await Post($"/api/projects/{project}/{kind}", recipe);
        return (string)(await Over((string)job["id"]!))["version"]!;
    }

    /// <summary>Waits until a job has ended, and gives its progress.</summary>
    public async Task<JsonNode> Over(string job)
    {
        await Http.GetStringAsync($"/api/jobs/{job}/events");
        return (await Get($"/api/jobs/{job}"))["progress"]!;
    }

    public void Dispose()
    {
        Http.Dispose();
        Process.Kill();
        Process.WaitForExit();
        Process.Dispose();
    }
}
