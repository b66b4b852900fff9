using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Grains;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Work;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench cluster</c>: the shards that coordinators lease and store, with workers that make nothing.</summary>
internal static class ClusterBench
{
    private static readonly int[] Coordinators = [1, 2];
    private static readonly int[] Workers = [1, 2, 4, 8, 16, 32];

    public static Command Create(CancellationToken cancellationToken)
    {
        var shards = Parsed.Number("--shards", "Number of shards of each measurement", 2000);
        var command = new Command("cluster", "Measure the shards a second of coordinators without a model") { shards };
        var cluster = new ClusterOption("An empty database", isRequired: true).AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var facts = Measure(cluster.Read(parse), parse.GetValue(shards), cancellationToken).GetAwaiter().GetResult();
            Console.Out.WriteLine(report.Json(parse) ? Json.Line(facts) : Table(facts));
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task<JsonObject> Measure(ClusterAddress address, int shards, CancellationToken cancellationToken)
    {
        var rows = new JsonArray();
        var hosts = new List<CoordinatorHost>();
        try
        {
            foreach (var coordinators in Coordinators.Where(count => count == 1 || address is not LocalAddress))
            {
                while (hosts.Count < coordinators)
                    hosts.Add(await CoordinatorHost.Start(address, new CoordinatorEndpoints { Port = 0, GatewayPort = 0 }, new CoordinatorSettings(), cancellationToken: cancellationToken));
                // The first one meets code that is not compiled yet, and is not counted.
                await Rate(address, coordinators, workers: 4, Math.Min(shards, 300), cancellationToken);
                foreach (var workers in Workers)
                    rows.Add(new JsonObject { ["coordinators"] = coordinators, ["workers"] = workers, ["shards_a_second"] = await Rate(address, coordinators, workers, shards, cancellationToken) });
            }
        }
        finally
        {
            foreach (var host in hosts)
                await host.DisposeAsync();
        }

        return new JsonObject { ["command"] = "bench cluster", ["shards"] = shards, ["rows"] = rows };
    }

    private static async Task<double> Rate(ClusterAddress address, int coordinators, int workers, int shards, CancellationToken cancellationToken)
    {
        var id = $"bench-{coordinators}-{workers}-{shards}";
        var links = new List<ClusterLink>();
        try
        {
            for (var worker = 0; worker < workers; worker++)
            {
                links.Add(await ClusterLink.Open(address, cancellationToken: cancellationToken));
                await links[^1].Call(grains => grains.GetGrain<ICatalog>(0).Open(), cancellationToken);
            }

            var run = new RunDescription { Id = id, Folder = "", Plan = "", PlanHash = "", PlanFolder = "", WorkingFolder = "", Arguments = [], Items = shards, ShardSize = 1 };
            await links[0].Call(grains => grains.GetGrain<IRun>(id).Submit(run, new Survey([], default)), cancellationToken);
            var started = TimeProvider.System.GetTimestamp();
            await Task.WhenAll(links.Select((link, worker) => Task.Run(
                () => new ShardWorker(link, new WorkerSettings { Id = $"worker-{worker}", EndsWhenIdle = true, Poll = TimeSpan.FromMilliseconds(10) }, (_, _) => new NoWork()).Run(cancellationToken), cancellationToken)));
            return Math.Round(shards / TimeProvider.System.GetElapsedTime(started).TotalSeconds, 1);
        }
        finally
        {
            foreach (var link in links)
                await link.DisposeAsync();
        }
    }

    private static string Table(JsonObject facts)
    {
        var text = new StringBuilder("| workers |");
        var rows = facts["rows"]!.AsArray().Select(row => ((int)row!["coordinators"]!, (int)row["workers"]!, (double)row["shards_a_second"]!)).ToList();
        var columns = rows.Select(row => row.Item1).Distinct().ToList();
        foreach (var coordinators in columns)
            text.Append(CultureInfo.InvariantCulture, $" shards a second, {coordinators} {(coordinators == 1 ? "coordinator" : "coordinators")} |");
        text.Append("\n| --- |").Insert(text.Length, " --- |", columns.Count);
        foreach (var workers in rows.Select(row => row.Item2).Distinct())
        {
            text.Append(CultureInfo.InvariantCulture, $"\n| {workers} |");
            foreach (var coordinators in columns)
                text.Append(CultureInfo.InvariantCulture, $" {rows.First(row => row.Item1 == coordinators && row.Item2 == workers).Item3:F0} |");
        }

        return text.ToString();
    }

    private sealed class NoWork : ShardMaker
    {
        public override Counts Survey(int shard) => default;

        public override Counts? Make(int shard, IProgress<Counts> progress, Func<bool> mayCommit, CancellationToken cancellationToken) => mayCommit() ? new Counts(1, 0, 1, 1) : null;

        public override void Finish()
        {
        }
    }
}
