using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Tests.Servers;
using PromptToPrompt.Cluster.Tests.Work;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;

namespace PromptToPrompt.Cluster.Tests.Commands;

/// <summary>The runs of a cluster in the studio.</summary>
public sealed class StudioRunsTests(PostgresServer server)
{
    [Fact]
    public async Task RunsAreListedShownAndCancelled()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        await cluster.AddCoordinator();
        var link = await cluster.Link();
        await cluster.Submit(link, items: 10, shardSize: 5);
        using var folder = new TemporaryFolder();
        await using var studio = await Start(folder.Path, cluster.Address);
        using var http = Client(studio);
        var run = JsonNode.Parse(await http.GetStringAsync("/api/runs"))!["runs"]![0]!;
        Assert.Equal(("run-1", "open", 10), ((string?)run["run"]!["id"], (string?)run["state"], (int)run["run"]!["items"]!));
        // Options may have secrets.
        Assert.DoesNotContain("--steps", run.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("", (string?)run["run"]!["working_folder"] ?? (string?)run["run"]!["workingFolder"]);
        var page = await http.GetStringAsync("/runs");
        Assert.Contains("run-1", page, StringComparison.Ordinal);
        Assert.Contains("0 of 10 items", page, StringComparison.Ordinal);
        Assert.Contains("href=\"/runs\"", await http.GetStringAsync("/new"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync("/api/runs/run-1")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.DeleteAsync("/api/runs/other")).StatusCode);
        Assert.Equal("cancelled", (string?)JsonNode.Parse(await http.GetStringAsync("/api/runs"))!["runs"]![0]!["state"]);
    }

    [Fact]
    public async Task WithoutAClusterNothingOfItIsShown()
    {
        using var folder = new TemporaryFolder();
        await using var studio = await Start(folder.Path, cluster: null);
        using var http = Client(studio);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/api/runs")).StatusCode);
        Assert.DoesNotContain("/runs", await http.GetStringAsync("/new"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/runs")).StatusCode);
    }

    private static async Task<WebApplication> Start(string folder, ClusterAddress? cluster)
    {
        var studio = StudioServer.Create(new StudioOptions
        {
            DataFolder = folder,
            Port = 0,
            Models = [new OfferedModel("tiny", () => StableDiffusionModel.Load(TinyModel.Shared.Folder))],
            DrawGrid = _ => [],
            DrawTable = _ => [],
            Cluster = cluster,
        });
        await studio.StartAsync();
        return studio;
    }

    private static HttpClient Client(WebApplication studio) => new() { BaseAddress = new Uri(studio.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
}
