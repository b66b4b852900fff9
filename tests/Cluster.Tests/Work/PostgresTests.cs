using System.Collections.Concurrent;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Tests.Servers;

namespace PromptToPrompt.Cluster.Tests.Work;

public sealed class PostgresTests(PostgresServer server)
{
    [Fact]
    public async Task TenThousandItemsThroughEightWorkersAndTwoCoordinators()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        // Both create the tables.
        await Task.WhenAll(cluster.AddCoordinator(), cluster.AddCoordinator());
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 10_000, shardSize: 20);
        var workers = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => cluster.StartWorker($"worker-{number}")));
        await Task.WhenAll(workers);
        var status = await TestCluster.Status(link, run);
        Assert.Equal(RunState.Complete, status.State);
        Assert.Equal(new Counts(10_000, 0, 10_000, 10_000), status.Done);
        Assert.Empty(status.Leases);
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task TablesAreCreatedOnceHoweverManyCoordinatorsStart()
    {
        var address = (PostgresAddress)ClusterAddress.Parse(server.NewDatabase());
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PostgresSchema.Create(address, CancellationToken.None)));
        await PostgresSchema.Create(address, CancellationToken.None);
    }

    [Fact]
    public async Task AnOutageOfTheDatabaseIsNotTakenForOneOfTheCoordinators()
    {
        // A server of its own, because others use the shared one at the same time.
        using var own = new PostgresServer();
        await using var cluster = new TestCluster(own.NewDatabase());
        await cluster.AddCoordinator();
        var lines = new ConcurrentQueue<string>();
        await using var link = await ClusterLink.Open(cluster.Address, lines.Enqueue);
        await link.Call(grains => grains.GetGrain<ICatalog>(0).Mark("run-1", true), CancellationToken.None);
        own.Kill();
        var marking = link.Call(grains => grains.GetGrain<ICatalog>(0).Mark("run-2", true), CancellationToken.None);
        await ServerProcess.Until(() => !lines.IsEmpty, "the outage is announced");
        Assert.StartsWith("The coordinator's database does not answer (", lines.First(), StringComparison.Ordinal);
        own.Start();
        await marking;
        Assert.EndsWith("are back.", lines.Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMissingDatabaseIsAnErrorAtOnce()
    {
        var address = ClusterAddress.Parse(server.NewDatabase() + "x");
        var error = await Assert.ThrowsAsync<ClusterException>(() => ClusterLink.Open(address));
        Assert.Contains("does not exist", error.Message, StringComparison.Ordinal);
        Assert.Contains("Create the database", error.Message, StringComparison.Ordinal);
    }
}
