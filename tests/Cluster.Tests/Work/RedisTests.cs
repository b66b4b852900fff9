using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Tests.Servers;

namespace PromptToPrompt.Cluster.Tests.Work;

public sealed class RedisTests(RedisServer server)
{
    [Fact]
    public async Task ItemsThroughEightWorkersAndTwoCoordinators()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        await Task.WhenAll(cluster.AddCoordinator(), cluster.AddCoordinator());
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 4_000, shardSize: 20);
        await Task.WhenAll(await Task.WhenAll(Enumerable.Range(0, 8).Select(number => cluster.StartWorker($"worker-{number}"))));
        var status = await TestCluster.Status(link, run);
        Assert.Equal(RunState.Complete, status.State);
        Assert.Equal(4_000, status.Done.Items);
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task TheServerMayBeAwayForAWhile()
    {
        // A server of its own, because others use the shared one at the same time.
        using var own = new RedisServer();
        await using var cluster = new TestCluster(own.NewDatabase());
        await cluster.AddCoordinator();
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 100, shardSize: 10);
        using var gate = new ManualResetEventSlim();
        var isThere = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // Two shards are acknowledged, and the worker is in the middle of the third.
        var worker = await cluster.StartWorker("worker", maker: described => new GatedMaker(described, cluster.Log, item: 25, isThere, gate));
        await isThere.Task.WaitAsync(TimeSpan.FromMinutes(2));
        own.Kill();
        gate.Set();
        await ServerProcess.Until(() => cluster.LogLines.Length == 3, "the worker finishes its shard");
        own.Start();
        await worker;
        Assert.Equal(RunState.Complete, (await TestCluster.Status(link, run)).State);
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task AServerThatIsAwayIsAnErrorOfTheCoordinator()
    {
        await using var cluster = new TestCluster("redis://127.0.0.1:1");
        var error = await Assert.ThrowsAsync<ClusterException>(() => cluster.AddCoordinator());
        Assert.Contains("The Redis server at 127.0.0.1:1 cannot be reached", error.Message, StringComparison.Ordinal);
    }

    private sealed class GatedMaker(RunDescription run, string log, int item, TaskCompletionSource isThere, ManualResetEventSlim gate) : TextMaker(run, log)
    {
        protected override void BeforeItem(int number)
        {
            if (number != item)
                return;
            isThere.TrySetResult();
            gate.Wait(TimeSpan.FromMinutes(2));
        }
    }
}
