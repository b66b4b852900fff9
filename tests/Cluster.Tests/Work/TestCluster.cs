using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Grains;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Tests.Servers;
using PromptToPrompt.Cluster.Work;

namespace PromptToPrompt.Cluster.Tests.Work;

/// <summary>Coordinators and workers in this process, and a folder for what they make.</summary>
internal sealed class TestCluster(string address) : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly List<CoordinatorHost> coordinators = [];
    private readonly List<ClusterLink> links = [];

    public ClusterAddress Address { get; } = ClusterAddress.Parse(address);

    public string Log => folder["log"];

    public string[] LogLines => File.Exists(Log) ? File.ReadAllLines(Log) : [];

    public async Task<CoordinatorHost> AddCoordinator(double lease = 60, int attempts = CoordinatorSettings.DefaultMaxAttempts, TimeProvider? clock = null)
    {
        var coordinator = await CoordinatorHost.Start(
            Address, new CoordinatorEndpoints { Port = 0, GatewayPort = 0 }, new CoordinatorSettings { Lease = TimeSpan.FromSeconds(lease), MaxAttempts = attempts, Clock = clock ?? TimeProvider.System });
        coordinators.Add(coordinator);
        return coordinator;
    }

    public async Task<ClusterLink> Link()
    {
        var link = await ClusterLink.Open(Address);
        links.Add(link);
        return link;
    }

    public RunDescription Describe(int items, int shardSize, string id = "run-1") => new()
    {
        Id = id,
        Folder = folder.Path,
        Plan = "plan.jsonl",
        PlanHash = "0",
        PlanFolder = folder.Path,
        WorkingFolder = folder.Path,
        Arguments = ["--steps", "2"],
        Items = items,
        ShardSize = shardSize,
    };

    public async Task<RunDescription> Submit(ClusterLink link, int items, int shardSize, string id = "run-1")
    {
        var run = Describe(items, shardSize, id);
        await link.Call(grains => grains.GetGrain<IRun>(id).Submit(run, new Survey([], default)), CancellationToken.None);
        return run;
    }

    public static async Task<RunStatus> Status(ClusterLink link, RunDescription run) =>
        (await link.Call(grains => grains.GetGrain<IRun>(run.Id).Status(), CancellationToken.None))!;

    public static Task Until(ClusterLink link, RunDescription run, Func<RunStatus, bool> holds, string what) =>
        ServerProcess.Until(async () => holds(await Status(link, run)), what);

    public async Task<Task> StartWorker(string name, CancellationToken drain = default, TimeSpan pause = default, Func<RunDescription, ShardMaker>? maker = null, int finishTries = 5)
    {
        var link = await Link();
        var worker = new ShardWorker(link, new WorkerSettings { Id = name, EndsWhenIdle = true, Poll = TimeSpan.FromMilliseconds(50), FinishTries = finishTries }, (run, _) => maker?.Invoke(run) ?? new TextMaker(run, Log, pause));
        return Task.Run(() => worker.Run(drain), CancellationToken.None);
    }

    /// <summary>Asserts that every item was made, and none twice.</summary>
    public void RequireAll(RunDescription run)
    {
        Assert.Equal(Enumerable.Range(0, run.Items), TextMaker.Items(run));
        var completed = LogLines.Where(line => line.StartsWith("complete ", StringComparison.Ordinal)).ToList();
        Assert.Equal(run.Shards, completed.Count);
        Assert.Equal(run.Shards, completed.Distinct().Count());
        Assert.Single(LogLines, "finish");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var link in links)
            await link.DisposeAsync();
        foreach (var coordinator in coordinators)
            await coordinator.DisposeAsync();
        folder.Dispose();
    }
}
