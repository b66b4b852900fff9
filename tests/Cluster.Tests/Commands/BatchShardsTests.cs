using System.Security.Cryptography;
using PromptToPrompt.Cli.Clusters;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Tests.Servers;
using PromptToPrompt.Cluster.Work;

namespace PromptToPrompt.Cluster.Tests.Commands;

public sealed class BatchShardsTests(S3Server server)
{
    [Fact]
    public void ADataSetWithoutTheStatisticsOfAShardIsNotCompleted()
    {
        using var folder = new TemporaryFolder();
        var plan = folder["plan.jsonl"];
        File.WriteAllLines(plan, ["""{"source": "a cat in the snow", "target": "a dog in the snow"}""", """{"source": "a red car in the city", "target": "a blue car in the city"}"""]);
        var run = new RunDescription
        {
            Id = "run",
            Folder = folder["out"],
            Plan = plan,
            PlanHash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(plan))),
            PlanFolder = folder.Path,
            WorkingFolder = Directory.GetCurrentDirectory(),
            Arguments = ["--steps", "1", "--shard-size", "1"],
            Items = 2,
            ShardSize = 1,
        };
        using var model = new WorkerModel();
        using var shards = BatchShards.Open(run, "cpu", model, TestContext.Current.CancellationToken);
        for (var shard = 0; shard < 2; shard++)
            Assert.Equal(1, shards.Make(shard, new Progress<Counts>(), () => true, CancellationToken.None)!.Value.Items);
        var statistics = Path.Combine(run.Folder, "00001.json");
        File.Move(statistics, statistics + ".away");
        Assert.Equal("Shard 1 has no statistics file.", Assert.Throws<ShardsMissingException>(shards.Finish).Message);
        File.Move(statistics + ".away", statistics);
        shards.Finish();
    }

    [Fact]
    public async Task AShardWhoseStatisticsWereDeletedFromABucketIsMadeAgain()
    {
        var (client, bucket, address) = server.NewBucket();
        using var _ = client;
        const string plan = """{"source": "a cat in the snow", "target": "a dog in the snow"}""";
        await client.PutObjectAsync(new() { BucketName = bucket, Key = "some/data/run.plan.jsonl", ContentBody = plan, UseChunkEncoding = false }, TestContext.Current.CancellationToken);
        using var model = new WorkerModel();
        using var shards = BatchShards.Open(
            new RunDescription
            {
                Id = "run",
                Folder = address,
                Plan = address + "/run.plan.jsonl",
                PlanHash = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(plan))),
                PlanFolder = "/",
                WorkingFolder = Directory.GetCurrentDirectory(),
                Arguments = ["--steps", "1"],
                Items = 1,
                ShardSize = 100,
            },
            "cpu",
            model,
            TestContext.Current.CancellationToken);
        var made = shards.Make(0, new Progress<Counts>(), () => true, TestContext.Current.CancellationToken);
        await client.DeleteObjectAsync(bucket, "some/data/00000.json", TestContext.Current.CancellationToken);
        Assert.Equal(new Dictionary<int, Counts> { [0] = made!.Value }, Assert.Throws<ShardsDeletedException>(shards.Finish).Shards);
        Assert.Equal(made, shards.Make(0, new Progress<Counts>(), () => true, TestContext.Current.CancellationToken));
        shards.Finish();
    }
}
