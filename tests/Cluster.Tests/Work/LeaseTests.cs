using System.Text.RegularExpressions;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Tests.Servers;
using PromptToPrompt.Cluster.Work;

namespace PromptToPrompt.Cluster.Tests.Work;

/// <summary>Leases over a coordinator and workers in this process.</summary>
public sealed class LeaseTests(PostgresServer server)
{
    [Fact]
    public async Task AWorkerThatLostItsLeaseDoesNotCommit()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        var clock = new ManualClock();
        await cluster.AddCoordinator(clock: clock);
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 10, shardSize: 10);
        // It computes its shard and sends no heartbeat, as a machine that was suspended does.
        var grain = await link.Call(grains => Task.FromResult(grains.GetGrain<IRun>(run.Id)), CancellationToken.None);
        var stale = (await grain.Take("suspended"))!;
        var maker = new TextMaker(run, cluster.Log);
        clock.Advance(TimeSpan.FromMinutes(2));
        using var gate = new ManualResetEventSlim();
        var other = await cluster.StartWorker("other", maker: run => new GatedMaker(run, cluster.Log, gate));
        await TestCluster.Until(link, run, status => status.Leases is [{ Worker: "other" }], "another worker has the shard");
        Assert.Null(await Task.Run(() => maker.Make(stale.Shard, new Progress<Counts>(), () => grain.Beat("suspended", stale, default).GetAwaiter().GetResult() == LeaseState.Held, CancellationToken.None)));
        Assert.Contains("refused 0", cluster.LogLines);
        gate.Set();
        await other;
        cluster.RequireAll(run);
        // Its report comes after the fact and is not counted again.
        Assert.False(await grain.Complete("suspended", stale, new Counts(10)));
        Assert.Equal(10, (await TestCluster.Status(link, run)).Done.Items);
    }

    [Fact]
    public async Task AShardThatEndsItsWorkersIsGivenUpAndTheRunGoesOn()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        await cluster.AddCoordinator(attempts: 2);
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 6, shardSize: 2);
        await await cluster.StartWorker("worker", maker: run => new BrokenMaker(run, cluster.Log));
        var status = await TestCluster.Status(link, run);
        Assert.Equal(RunState.Incomplete, status.State);
        Assert.Equal(2, status.CompleteShards);
        var failed = Assert.Single(status.FailedShards);
        Assert.Equal((1, 2, "Item 3 is broken."), (failed.Shard, failed.Attempts, failed.Problem));
    }

    [Fact]
    public async Task ADataSetIsNotCompleteWithoutTheStatisticsOfAShard()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        await cluster.AddCoordinator(attempts: 1);
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 2, shardSize: 1);
        await await cluster.StartWorker("worker", maker: run => new UnfinishedMaker(run, cluster.Log, failures: int.MaxValue), finishTries: 1);
        var status = await TestCluster.Status(link, run);
        Assert.Equal((RunState.Incomplete, 2), (status.State, status.CompleteShards));
        var failed = Assert.Single(status.FailedShards);
        Assert.Equal("the completion of the data set", run.NameOf(failed.Shard));
        Assert.StartsWith("Shard 1 has no statistics file.", failed.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileThatASharedFolderShowsLateIsNoFailure()
    {
        var clock = new ManualClock();
        await using var cluster = new TestCluster(server.NewDatabase());
        await cluster.AddCoordinator(attempts: 1, clock: clock);
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 2, shardSize: 1);
        var worker = await cluster.StartWorker("worker", maker: run => new UnfinishedMaker(run, cluster.Log, failures: 2));
        await ServerProcess.Until(
            async () =>
            {
                // The pause between two tries. A lease must not grow old meanwhile.
                if ((await TestCluster.Status(link, run)).Leases.Length == 0)
                    clock.Advance(TimeSpan.FromSeconds(1));
                return worker.IsCompleted;
            },
            "the worker completes the data set");
        await worker;
        Assert.Equal(RunState.Complete, (await TestCluster.Status(link, run)).State);
        Assert.Equal(2, cluster.LogLines.Count(line => line == "missing"));
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task AWorkerThatIsStoppedStillSaysThatItsFailuresDeletedShards()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        await cluster.AddCoordinator();
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 2, shardSize: 1);
        using var drain = new CancellationTokenSource();
        var worker = await cluster.StartWorker("worker", drain.Token, maker: run => new DeletingMaker(run, cluster.Log, drain));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => worker);
        var status = await TestCluster.Status(link, run);
        Assert.Equal(0, status.CompleteShards);
        Assert.Empty(status.Leases);
        Assert.Equal("Many items failed.", status.LastProblem);
    }

    [Fact]
    public async Task AWorkerThatIsStoppedReturnsALeaseThatItDoesNotKnowOf()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        await cluster.AddCoordinator();
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 2, shardSize: 1);
        var grain = await link.Call(grains => Task.FromResult(grains.GetGrain<IRun>(run.Id)), CancellationToken.None);
        await grain.Take("worker");
        await grain.Leave("worker");
        var status = await TestCluster.Status(link, run);
        Assert.Empty(status.Leases);
        Assert.Null(status.LastProblem);
        Assert.Equal(0, (await grain.Take("other"))!.Shard);
    }

    [Fact]
    public void WorkersOfEqualMachinesAndProcessesHaveNamesOfTheirOwn() => Assert.NotEqual(new WorkerSettings().Id, new WorkerSettings().Id);

    [Fact]
    public async Task AWorkerThatCannotMakeARunSaysWhy()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        await cluster.AddCoordinator();
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 2, shardSize: 2);
        await await cluster.StartWorker("worker", maker: _ => throw new IOException("The folder is not here."));
        var status = await TestCluster.Status(link, run);
        Assert.Equal(new Refusal("worker", "The folder is not here."), Assert.Single(status.Refusals));
        Assert.Empty(status.Leases);
        Assert.Empty(status.FailedShards);
        Assert.Equal(RunState.Open, status.State);
    }

    [Fact]
    public async Task AWorkerWhoseFilterCannotStartLeavesTheShardsToOthers()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        await cluster.AddCoordinator(attempts: 1);
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 2, shardSize: 1);
        await await cluster.StartWorker("broken", maker: run => new RefusingMaker(run, cluster.Log));
        var status = await TestCluster.Status(link, run);
        Assert.Equal(new Refusal("broken", "The filter did not start."), Assert.Single(status.Refusals));
        Assert.Empty(status.FailedShards);
        await await cluster.StartWorker("other");
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task ACancelledRunStopsItsWorkersAndIsResumed()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        await cluster.AddCoordinator(lease: 1);
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 40, shardSize: 20);
        var worker = await cluster.StartWorker("worker", pause: TimeSpan.FromMilliseconds(200));
        await TestCluster.Until(link, run, status => status.Leases is [{ Items: > 0 }], "the worker works");
        Assert.True(await link.Call(grains => grains.GetGrain<IRun>(run.Id).Cancel(), CancellationToken.None));
        await worker;
        Assert.Equal(RunState.Cancelled, (await TestCluster.Status(link, run)).State);
        Assert.Empty(TextMaker.Items(run));
        Assert.True(await link.Call(grains => grains.GetGrain<IRun>(run.Id).Resume(), CancellationToken.None));
        await await cluster.StartWorker("worker");
        cluster.RequireAll(run);
        Assert.False(await link.Call(grains => grains.GetGrain<IRun>("other").Cancel(), CancellationToken.None));
    }

    [Fact]
    public async Task ACoordinatorThatStopsInOrderLeavesAllToTheNextOne()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        var first = await cluster.AddCoordinator();
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 300, shardSize: 10);
        var worker = await cluster.StartWorker("worker", pause: TimeSpan.FromMilliseconds(5));
        await TestCluster.Until(link, run, status => status.CompleteShards > 2, "three shards are complete");
        await cluster.AddCoordinator();
        await first.DisposeAsync();
        await worker;
        Assert.Equal(RunState.Complete, (await TestCluster.Status(link, run)).State);
        cluster.RequireAll(run);
    }

    [Fact]
    public async Task WorkersAreListedWithTheirShards()
    {
        await using var cluster = new TestCluster(server.NewDatabase());
        await cluster.AddCoordinator();
        var link = await cluster.Link();
        var run = await cluster.Submit(link, items: 4, shardSize: 4);
        using var drain = new CancellationTokenSource();
        var worker = await cluster.StartWorker("worker", drain.Token, TimeSpan.FromMilliseconds(500));
        await ServerProcess.Until(async () => (await link.Call(grains => grains.GetGrain<IFleet>(0).Workers(), CancellationToken.None)) is [{ Id: "worker", Run: "run-1", Shard: 0 }], "the worker is listed");
        var view = (await link.Call(ClusterView.Of, CancellationToken.None)).ToJson().ToJsonString();
        Assert.Matches(new Regex("\"state\":\"open\".*\"workers\":\\[\\{\"id\":\"worker\""), view);
        await drain.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => worker);
        Assert.Empty(await link.Call(grains => grains.GetGrain<IFleet>(0).Workers(), CancellationToken.None));
    }

    // Waits in each item until the gate opens.
    private sealed class GatedMaker(RunDescription run, string log, ManualResetEventSlim gate) : TextMaker(run, log)
    {
        protected override void BeforeItem(int item) => gate.Wait(TimeSpan.FromMinutes(1));
    }

    private sealed class UnfinishedMaker(RunDescription run, string log, int failures) : TextMaker(run, log)
    {
        private int left = failures;

        public override void Finish()
        {
            if (left-- > 0)
            {
                Note("missing");
                throw new ShardsMissingException([1]);
            }

            base.Finish();
        }
    }

    // Makes the first shard. In the second, it deletes the first again while it is asked to stop.
    private sealed class DeletingMaker(RunDescription run, string log, CancellationTokenSource drain) : TextMaker(run, log)
    {
        protected override void BeforeItem(int item)
        {
            if (item == 0)
                return;
            drain.Cancel();
            throw new ShardsDeletedException("Many items failed.", new Dictionary<int, Counts> { [0] = new(1, 0, 1, 1) });
        }
    }

    private sealed class RefusingMaker(RunDescription run, string log) : TextMaker(run, log)
    {
        protected override void BeforeItem(int item) => throw new RunRefusedException("The filter did not start.");
    }

    private sealed class ManualClock : TimeProvider
    {
        private long ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Read(ref ticks);

        public void Advance(TimeSpan time) => Interlocked.Add(ref ticks, time.Ticks);
    }

    private sealed class BrokenMaker(RunDescription run, string log) : TextMaker(run, log)
    {
        protected override void BeforeItem(int item)
        {
            if (item == 3)
                throw new IOException("Item 3 is broken.");
        }
    }
}
