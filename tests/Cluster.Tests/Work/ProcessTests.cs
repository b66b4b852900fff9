using System.Diagnostics;
using System.Globalization;
using Npgsql;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Tests.Servers;

namespace PromptToPrompt.Cluster.Tests.Work;

/// <summary>Coordinators and workers as processes that are killed.</summary>
[Trait("Category", "Process")]
public sealed class ProcessTests(PostgresServer server)
{
    private const string Program = "PromptToPrompt.Cluster.Tests.dll";

    [Fact]
    public async Task AKilledWorkerCostsItsLeaseOnly()
    {
        await using var cluster = new Processes(server.NewDatabase());
        cluster.StartCoordinator(lease: 2);
        var run = await cluster.Submit(items: 60, shardSize: 20);
        var victim = cluster.StartWorker(pause: 200);
        await cluster.Until(run, status => status.Leases is [{ Items: > 2 }], "the worker is in the middle of a shard");
        ServerProcess.Signal(victim, "KILL");
        // It joins late.
        cluster.StartWorker(pause: 0);
        await cluster.Until(run, status => status.State == RunState.Complete, "the run is complete");
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task AWorkerGoesOnWithoutACoordinatorAndReportsToTheNextOne()
    {
        await using var cluster = new Processes(server.NewDatabase());
        var ports = ServerProcess.FreePorts();
        var first = cluster.StartCoordinator(lease: 60, ports);
        var run = await cluster.Submit(items: 60, shardSize: 20);
        var worker = cluster.StartWorker(pause: 50);
        await cluster.Until(run, status => status.Leases is [{ Shard: 1 }], "the worker is in the second shard");
        ServerProcess.Signal(first, "KILL");
        // The shard is computed to its end meanwhile. On its old port, the next one takes the place of the first at once.
        cluster.StartCoordinator(lease: 60, ports);
        await cluster.Until(run, status => status.State == RunState.Complete, "the run is complete");
        ServerProcess.Wait(worker);
        Assert.Equal(0, worker.ExitCode);
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task OneOfTwoCoordinatorsMayDie()
    {
        await using var cluster = new Processes(server.NewDatabase());
        Process[] coordinators = [cluster.StartCoordinator(lease: 60), cluster.StartCoordinator(lease: 60)];
        var run = await cluster.Submit(items: 200, shardSize: 10);
        cluster.StartWorker(pause: 20);
        cluster.StartWorker(pause: 20);
        await cluster.Until(run, status => status.CompleteShards >= 3, "three shards are complete");
        ServerProcess.Signal(coordinators[0], "KILL");
        await cluster.Until(run, status => status.State == RunState.Complete, "the run is complete");
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task TheDatabaseMayBeAwayForAWhile()
    {
        // A server of its own, because others use the shared one at the same time.
        using var own = new PostgresServer();
        await using var cluster = new Processes(own.NewDatabase());
        cluster.StartCoordinator(lease: 60);
        var run = await cluster.Submit(items: 100, shardSize: 10);
        cluster.StartWorker(pause: 20);
        cluster.StartWorker(pause: 20);
        var complete = 0;
        await cluster.Until(run, status => (complete = status.CompleteShards) >= 2, "two shards are complete");
        own.Kill();
        // One more than those that were acknowledged before.
        await ServerProcess.Until(() => cluster.CompleteCount > complete, "the workers finish the shards that they have");
        own.Start();
        await cluster.Until(run, status => status.State == RunState.Complete, "the run is complete");
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task ConnectionsOfTheDatabaseMayBeCut()
    {
        var database = server.NewDatabase();
        await using var cluster = new Processes(database);
        cluster.StartCoordinator(lease: 60);
        var run = await cluster.Submit(items: 200, shardSize: 5);
        cluster.StartWorker(pause: 5);
        var cut = 0;
        for (var shards = 2; shards < 20; shards += 4)
        {
            await cluster.Until(run, status => status.CompleteShards >= shards, $"{shards} shards are complete");
            await using var admin = new NpgsqlConnection(database + ";Pooling=false");
            await admin.OpenAsync();
            await using var terminate = new NpgsqlCommand("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", admin);
            cut += Convert.ToInt32(await terminate.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
        }

        Assert.True(cut > 0);
        await cluster.Until(run, status => status.State == RunState.Complete, "the run is complete");
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task ADrainedWorkerReleasesItsLeaseAtOnce()
    {
        await using var cluster = new Processes(server.NewDatabase());
        // Its time would not be over during the test.
        cluster.StartCoordinator(lease: 1000);
        var run = await cluster.Submit(items: 40, shardSize: 20);
        // A shard takes much longer than the five seconds until its first heartbeat, which tells the items.
        var drained = cluster.StartWorker(pause: 1000);
        await cluster.Until(run, status => status.Leases is [{ Shard: 0, Items: > 0 }], "the worker is in the first shard");
        ServerProcess.Signal(drained, "TERM");
        ServerProcess.Wait(drained);
        Assert.Equal(130, drained.ExitCode);
        await cluster.Until(run, status => status.Leases.Length == 0, "the lease is released");
        cluster.StartWorker(pause: 0);
        await cluster.Until(run, status => status.State == RunState.Complete, "the run is complete");
        cluster.RequireAll(run);
    }

    // Processes, and the connection of the test.
    private sealed class Processes(string address) : IAsyncDisposable
    {
        private readonly TestCluster cluster = new(address);
        private readonly List<Process> started = [];
        private ClusterLink? link;

        public int CompleteCount => cluster.LogLines.Count(line => line.StartsWith("complete ", StringComparison.Ordinal));

        public Process StartCoordinator(int lease, (int Silo, int Gateway) ports = default) => Start(
            Path.Combine(AppContext.BaseDirectory, "p2p.dll"), "coordinator", "--cluster", address, "--lease", $"{lease}", "--port", $"{ports.Silo}", "--gateway-port", $"{ports.Gateway}");

        public Process StartWorker(int pause) => Start(Path.Combine(AppContext.BaseDirectory, Program), TextWorker.Command, address, cluster.Log, $"{pause}");

        public async Task<RunDescription> Submit(int items, int shardSize)
        {
            // The coordinator may not have created its tables yet: the connection waits.
            link = await ClusterLink.Open(cluster.Address);
            return await cluster.Submit(link, items, shardSize);
        }

        public Task Until(RunDescription run, Func<RunStatus, bool> holds, string what) => TestCluster.Until(link!, run, holds, what);

        public void RequireAll(RunDescription run) => cluster.RequireAll(run);

        public async ValueTask DisposeAsync()
        {
            foreach (var process in started)
                ServerProcess.End(process);

            if (link is not null)
                await link.DisposeAsync();
            await cluster.DisposeAsync();
        }

        private Process Start(string program, params string[] arguments)
        {
            var process = ServerProcess.Start("dotnet", [program, .. arguments]);
            started.Add(process);
            return process;
        }
    }
}
