using Npgsql;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Tests.Servers;
using PromptToPrompt.Cluster.Tests.Work;

namespace PromptToPrompt.Cluster.Tests.Grains;

/// <summary>A run whose storage fails in the middle.</summary>
public sealed class RunGrainTests(PostgresServer server)
{
    private const string Description = "description", Progress = "progress";

    [Fact]
    public async Task ARunWhoseFirstWriteFailedIsStoredByTheNext()
    {
        var database = server.NewDatabase();
        await using var cluster = new TestCluster(database);
        var coordinator = await cluster.AddCoordinator();
        var run = cluster.Describe(items: 4, shardSize: 2);
        await Execute(database, Fail(Description));
        await Assert.ThrowsAnyAsync<Exception>(() => Run(coordinator, run).Submit(run, new Survey([], default)));
        Assert.Null(await Run(coordinator, run).Status());
        await Execute(database, Heal);
        await Run(coordinator, run).Submit(run, new Survey([], default));
        await coordinator.DisposeAsync();
        var next = await cluster.AddCoordinator();
        Assert.Equal(4, (await Run(next, run).Status())?.Run.Items);
    }

    [Fact]
    public async Task AnotherRunInTheFolderNeverStartsWithTheShardsOfTheEarlierOne()
    {
        var database = server.NewDatabase();
        await using var cluster = new TestCluster(database);
        var coordinator = await cluster.AddCoordinator();
        var earlier = cluster.Describe(items: 4, shardSize: 2);
        await Run(coordinator, earlier).Submit(earlier, new Survey([], default));
        var lease = (await Run(coordinator, earlier).Take("worker"))!;
        await Run(coordinator, earlier).Complete("worker", lease, new Counts(2));
        var other = earlier with { PlanHash = "1" };
        foreach (var part in new[] { Progress, Description })
        {
            await Execute(database, Fail(part));
            await Assert.ThrowsAnyAsync<Exception>(() => Run(coordinator, other).Submit(other, new Survey([], default)));
            await Execute(database, Heal);
            // The run is still the earlier one, and has either all of its progress or none.
            var status = (await Run(coordinator, earlier).Status())!;
            Assert.Equal("0", status.Run.PlanHash);
            Assert.Equal(part == Progress ? 1 : 0, status.CompleteShards);
        }

        var replaced = await Run(coordinator, other).Submit(other, new Survey([], default));
        Assert.Equal(("1", 0), (replaced.Run.PlanHash, replaced.CompleteShards));
        Assert.Equal(LeaseState.Lost, await Run(coordinator, other).Beat("worker", lease, default));
        Assert.Equal(0, (await Run(coordinator, other).Take("worker"))!.Shard);
    }

    [Fact]
    public async Task CallsAtTheSameTimeAreAllStored()
    {
        const int shards = 300;
        await using var cluster = new TestCluster(server.NewDatabase());
        var coordinator = await cluster.AddCoordinator();
        var run = cluster.Describe(items: shards, shardSize: 1);
        var grain = Run(coordinator, run);
        // The same call twice, as after an answer that was lost.
        await Task.WhenAll(grain.Submit(run, new Survey([], default)), grain.Submit(run, new Survey([], default)));
        await Task.WhenAll(Enumerable.Range(0, shards).Select(async number =>
        {
            var lease = (await grain.Take($"worker-{number}"))!;
            if (number % 2 == 0)
                await grain.Complete($"worker-{number}", lease, new Counts(1));
            else
                await grain.Release($"worker-{number}", lease, LeaseEnd.Failed, "It failed.");
        }));
        await coordinator.DisposeAsync();
        var status = (await Run(await cluster.AddCoordinator(), run).Status())!;
        Assert.Equal((shards / 2, shards / 2L), (status.CompleteShards, status.Done.Items));
    }

    private static IRun Run(CoordinatorHost coordinator, RunDescription run) => coordinator.Grains.GetGrain<IRun>(run.Id);

    private const string Heal = "DROP TRIGGER broken ON OrleansStorage";

    // Writes of a part of a run's state fail, as on a full disk.
    private static string Fail(string part) => $"""
        CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'The disk is full.'; END $$;
        CREATE TRIGGER broken BEFORE INSERT OR UPDATE ON OrleansStorage FOR EACH ROW WHEN (NEW.GrainTypeString LIKE '%{part}%') EXECUTE FUNCTION refuse();
        """;

    private static async Task Execute(string database, string text)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(text, connection);
        await command.ExecuteNonQueryAsync();
    }
}
