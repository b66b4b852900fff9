using System.Text;
using Amazon.S3;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Cluster.Tests.Servers;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cluster.Tests.Commands;

public sealed class S3PlaceTests(S3Server server)
{
    [Theory]
    [InlineData("s3://bucket/some/data", "s3://bucket/some/data")]
    [InlineData("S3://bucket/data/", "s3://bucket/data")]
    [InlineData("dataset", null)]
    [InlineData("/data/s3", null)]
    public void AddressesAreToldFromFolders(string text, string? name) => Assert.Equal(name, S3Place.TryParse(text)?.Name);

    [Theory]
    [InlineData("s3://")]
    [InlineData("s3://bucket")]
    [InlineData("s3://bucket/")]
    [InlineData("s3:///data")]
    [InlineData("s3://bucket/a/../b")]
    [InlineData("s3://bucket/./b")]
    [InlineData("s3://bucket/a//b")]
    [InlineData("s3://Bucket/data")]
    [InlineData("s3://bu/data")]
    [InlineData("s3://bu..cket/data")]
    [InlineData("s3://bucket_/data")]
    public void AnAddressNeedsABucketAndAPrefix(string text) => Assert.Throws<InvalidInputException>(() => S3Place.TryParse(text));

    [Fact]
    public async Task FilesAreCreatedOnceAndDeletionsAreNoticed()
    {
        var (client, bucket, address) = server.NewBucket();
        using var _ = client;
        var place = S3Place.TryParse(address)!;
        Assert.True(place.Create("00000.json", "one"));
        Assert.True(place.Create("00000.json", "one"));
        Assert.False(place.Create("00000.json", "two"));
        Assert.Equal("one", await TextOf(client, bucket, "some/data/00000.json"));
        place.Write("run.plan.jsonl", [0xEF, 0xBB, 0xBF, (byte)'x']);
        Assert.Equal([0xEF, 0xBB, 0xBF, (byte)'x'], await File.ReadAllBytesAsync(place.Download("run.plan.jsonl")!, TestContext.Current.CancellationToken));
        Assert.Null(place.Download("missing"));

        // As on another machine, and after the object was deleted there.
        File.Delete(Path.Combine(place.Folder, "00000.json"));
        place.Fetch();
        Assert.True(new ShardPaths(place.Folder, 0).IsCommitted);
        await client.DeleteObjectAsync(bucket, "some/data/00000.json");
        place.Fetch();
        Assert.False(new ShardPaths(place.Folder, 0).IsCommitted);
    }

    [Fact]
    public async Task AShardThatAnotherProcessCompletedIsNotCompletedWithOtherFiles()
    {
        var (client, bucket, address) = server.NewBucket();
        using var _ = client;
        var place = S3Place.TryParse(address)!;
        Directory.CreateDirectory(place.Folder);
        var mine = Path.Combine(place.Folder, "mine");
        Assert.True(place.Create("00000.json", "theirs"));
        await File.WriteAllTextAsync(mine, "mine", TestContext.Current.CancellationToken);
        var error = Assert.Throws<IOException>(() => place.Complete(mine, "00000.json"));
        Assert.StartsWith($"{address}/00000.json: another process completed this shard with other files", error.Message, StringComparison.Ordinal);
        Assert.Equal("theirs", await TextOf(client, bucket, "some/data/00000.json"));
        // The same files are no conflict.
        await File.WriteAllTextAsync(mine, "theirs", TestContext.Current.CancellationToken);
        place.Complete(mine, "00000.json");
        Assert.False(File.Exists(mine));
    }

    [Fact]
    public async Task AShardThatAnotherMachineCompletedMeanwhileKeepsItsFiles()
    {
        var (client, bucket, address) = server.NewBucket();
        using var _ = client;
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["plan.jsonl"], """{"source": "a cat", "target": "a dog"}""", TestContext.Current.CancellationToken);
        var place = S3Place.TryParse(address)!;
        var run = new BatchRun(TinyModel.Shared.Model, new BatchRequest
        {
            Plan = BatchPlan.Read(folder["plan.jsonl"]),
            Folder = place.Folder,
            Place = place,
            Layout = new TarLayout { Format = ImageFormat.Png },
            Settings = SettingValues.None.With("steps", "1").With("size", "64x64"),
        });
        run.Prepare();
        var theirs = """{"shard":0,"first_item":0,"items":1,"failed":0,"made":1,"kept":1,"files":{}}""";
        Assert.True(run.MakeShard(0, mayCommit: () =>
        {
            client.PutObjectAsync(new() { BucketName = bucket, Key = "some/data/00000.json", InputStream = new MemoryStream(Encoding.UTF8.GetBytes(theirs)), UseChunkEncoding = false }).GetAwaiter().GetResult();
            return true;
        }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(theirs, await TextOf(client, bucket, "some/data/00000.json"));
        Assert.Null(place.Download("00000.tar"));
        Assert.True(run.Finish(out var missing));
        Assert.Empty(missing);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(10)]
    [InlineData(12)]
    public async Task LongFilesAreUploadedInParts(int megabytes)
    {
        var (client, bucket, address) = server.NewBucket();
        using var _ = client;
        var place = S3Place.TryParse(address)!;
        place.Bucket.PartBytes = 5 << 20;
        Directory.CreateDirectory(place.Folder);
        var (path, content) = (Path.Combine(place.Folder, "long"), new byte[megabytes << 20]);
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(path, content, TestContext.Current.CancellationToken);
        place.Move(path, "00000.tar");
        Assert.False(File.Exists(path));
        using var answer = await client.GetObjectAsync(bucket, "some/data/00000.tar", TestContext.Current.CancellationToken);
        using var stored = new MemoryStream();
        await answer.ResponseStream.CopyToAsync(stored, TestContext.Current.CancellationToken);
        Assert.Equal(content, stored.ToArray());
    }

    [Fact]
    public async Task UnfinishedItemsOfADeletedRunAreForgotten()
    {
        var (client, bucket, address) = server.NewBucket();
        using var _ = client;
        var place = S3Place.TryParse(address)!;
        Assert.True(place.Create("run.json", "{}"));
        var unfinished = ShardPaths.AllUnfinished(place.Folder);
        Directory.CreateDirectory(unfinished);
        place.Fetch();
        Assert.True(Directory.Exists(unfinished));
        await client.DeleteObjectAsync(bucket, "some/data/run.json");
        place.Fetch();
        Assert.False(Directory.Exists(unfinished));
    }

    [Fact]
    public void AMissingBucketIsOneError()
    {
        var (client, bucket, _) = server.NewBucket();
        Assert.Equal((Environment.GetEnvironmentVariable("AWS_MAX_ATTEMPTS") is null ? 10 : client.Config.MaxErrorRetry, TimeSpan.FromMinutes(10)), (client.Config.MaxErrorRetry, client.Config.Timeout));
        client.Dispose();
        var error = Assert.Throws<IOException>(() => S3Place.TryParse($"s3://no-{bucket[..20]}/data")!.Fetch());
        Assert.Matches("^s3://no-bucket-[^:]*: .*bucket does not exist. Check the address, the credentials and the endpoint.$", error.Message);
    }

    internal static async Task<string> TextOf(AmazonS3Client client, string bucket, string key)
    {
        using var answer = await client.GetObjectAsync(bucket, key);
        using var reader = new StreamReader(answer.ResponseStream);
        return await reader.ReadToEndAsync();
    }
}
