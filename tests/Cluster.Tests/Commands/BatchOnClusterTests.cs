using System.Diagnostics;
using System.Text.Json.Nodes;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Tests.Servers;

namespace PromptToPrompt.Cluster.Tests.Commands;

/// <summary>The commands as processes, with the embedded model.</summary>
[Trait("Category", "Process")]
public sealed class BatchOnClusterTests(PostgresServer server)
{
    private static readonly string[] Plan =
    [
        """{"source": "a white house in a field", "target": ["a red house in a field", "a white castle in a field"], "edit": ["paint it red", "make it a castle"]}""",
        """{"source": "a cat in the snow", "target": "a dog in the snow", "self": [0.1, 0.9]}""",
        """{"source": "a red car in the city", "target": "a blue car in the city"}""",
        """{"source": "a boat on the lake", "target": "a boat on the lake at night"}""",
    ];

    [Fact]
    public async Task TwoWorkersMakeTheFilesOfALocalRun()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllLinesAsync(folder["plan.jsonl"], Plan);
        var database = server.NewDatabase();
        string[] settings = ["--steps", "2", "--guidance", "3..7", "--shard-size", "1", "--quiet"];
        List<Process> processes = [Start("coordinator", "--cluster", database, "--port", "0", "--gateway-port", "0")];
        try
        {
            for (var worker = 0; worker < 2; worker++)
                processes.Add(Start("worker", "--cluster", database, "--device", "cpu", "--threads", "1"));
            var local = Task.Run(() => P2P.Run(["batch", folder["plan.jsonl"], "-o", folder["local"], .. settings]));
            // The command does not wait long for a coordinator, and this one may still be starting.
            await using var link = await ClusterLink.Open(ClusterAddress.Parse(database));
            await link.Call(grains => grains.GetGrain<ICatalog>(0).All(), CancellationToken.None);
            var cluster = await Task.Run(() => P2P.Run(["batch", folder["plan.jsonl"], "-o", folder["cluster"], .. settings, "--json", "--cluster", database]));
            Assert.Equal(4, (int)JsonNode.Parse(cluster.Succeeded())!["items"]!);
            (await local).Succeeded();
            string[] names = [.. Files(folder["local"])];
            Assert.Equal(names.Append("run.plan.jsonl").Order(StringComparer.Ordinal), Files(folder["cluster"]));
            Assert.All(names, name => Assert.Equal(File.ReadAllBytes(Path.Combine(folder["local"], name)), File.ReadAllBytes(Path.Combine(folder["cluster"], name))));
            // The finished run is listed with its workers, which wait for the next one.
            JsonNode? view = null;
            // The run may be complete before the second worker has reported.
            await ServerProcess.Until(
                () =>
                {
                    view = JsonNode.Parse(P2P.Run("runs", "--cluster", database, "--json").Succeeded());
                    return view!["workers"]!.AsArray().Count == 2;
                },
                "both workers are listed");
            Assert.Equal("complete", (string?)view!["runs"]![0]!["state"]);
            // The same command finds nothing to do.
            Assert.Contains("4 items, 5 of 5 pairs kept", P2P.Run(["batch", folder["plan.jsonl"], "-o", folder["cluster"], .. settings[..^1], "--cluster", database]).Succeeded(), StringComparison.Ordinal);
            ServerProcess.Signal(processes[1], "TERM");
            ServerProcess.Wait(processes[1]);
            Assert.Equal(130, processes[1].ExitCode);
        }
        finally
        {
            foreach (var process in processes)
                ServerProcess.End(process);
        }
    }

    [Theory]
    [InlineData("p2p: --cluster: The connection is not valid. It is not a known form. Use \"Host=", "runs", "--cluster", "nonsense")]
    [InlineData("p2p: --listen: A coordinator that keeps all in memory", "coordinator", "--cluster", "localhost", "--listen", "10.1.2.3")]
    [InlineData("p2p: --lease: 1 is out of range", "coordinator", "--cluster", "localhost", "--lease", "1")]
    [InlineData("p2p: --listen: \"0.0.0.0\" is not valid", "coordinator", "--cluster", "localhost", "--listen", "0.0.0.0")]
    public void AWrongOptionIsOneLine(string expected, params string[] arguments) => Assert.StartsWith(expected, P2P.Run(arguments).FailedWith(2), StringComparison.Ordinal);

    // Before any coordinator is asked.
    [Fact]
    public void ASizeThatDoesNotFitTheModelIsAnErrorOfTheCommand()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["plan.jsonl"], Plan);
        var error = P2P.Run("batch", folder["plan.jsonl"], "-o", folder["out"], "--size", "63x64", "--cluster", "localhost:1").FailedWith(2);
        Assert.Contains("line 1, \"size\": 63x64 does not fit this model.", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["out"]));
    }

    private static Process Start(params string[] arguments) => ServerProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "p2p.dll"), .. arguments]);

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
}
