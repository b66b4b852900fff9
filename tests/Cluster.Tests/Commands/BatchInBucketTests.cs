using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Amazon.S3;
using Amazon.S3.Model;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Cluster.Tests.Servers;

namespace PromptToPrompt.Cluster.Tests.Commands;

/// <summary>Data sets in a bucket have the files of those in a folder.</summary>
[Trait("Category", "Process")]
public sealed class BatchInBucketTests(S3Server server, RedisServer redis) : IDisposable
{
    private static readonly string[] Plan =
    [
        """{"source": "a white house in a field", "target": ["a red house in a field", "a white castle in a field"]}""",
        """{"source": "a cat in the snow", "target": "a dog in the snow", "self": [0.1, 0.9]}""",
        """{"source": "a red car in the city", "target": "a blue car in the city"}""",
        """{"source": "a boat on the lake", "target": "a boat on the lake at night"}""",
    ];

    private readonly TemporaryFolder folder = new();

    [Fact]
    public async Task ARunThatIsKilledAndResumedGivesTheSameFiles()
    {
        // The last item is not finished before the kill.
        var (client, bucket, address) = Prepare(lastSteps: 200);
        using var _ = client;
        P2P.Run(Arguments(folder["local"])).Succeeded();
        var work = S3Place.TryParse(address)!.Folder;
        Assert.NotEqual(0, P2P.RunAndKillAtFile(Path.Combine(work, "unfinished/00001/0000002.tar"), Arguments(address)).ExitCode);
        Assert.Equal(["00000.json", "00000.parquet", "00000.tar", "run.json"], (await Files(client, bucket)).Keys);
        Assert.Contains($"{address}\n4 items, 5 of 5 pairs kept", P2P.Run(Arguments(address)).Succeeded(), StringComparison.Ordinal);
        Assert.Equal(Local(), await Files(client, bucket));
        // Images stay in the bucket alone.
        Assert.Equal(["00000.json", "00001.json", "run.json"], Directory.EnumerateFileSystemEntries(work).Select(Path.GetFileName).Order());

        // The run is known from every machine.
        Directory.Delete(work, recursive: true);
        Assert.Equal($"p2p: {address} has the data of another run: seed differs from {address}/run.json. Use another folder, or the settings that it was made with.", P2P.Run([.. Arguments(address), "--seed", "5"]).Error.TrimEnd().Split('\n')[^1]);
        Assert.Contains("4 items, 5 of 5 pairs kept", P2P.Run(Arguments(address)).Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PartitionsOfSeveralMachinesMakeOneDataSet()
    {
        var (client, bucket, address) = Prepare();
        using var _ = client;
        P2P.Run(Arguments(folder["local"])).Succeeded();
        foreach (var partition in new[] { "1", "0" })
            P2P.RunIn(new Dictionary<string, string> { ["XDG_CACHE_HOME"] = NewCache($"cache{partition}") }, [.. Arguments(address), "--partition", partition, "--partitions", "2"]).Succeeded();
        Assert.Equal(Local(), await Files(client, bucket));
    }

    [Fact]
    public async Task WorkersOfAClusterNeedNoSharedFolder()
    {
        var (client, bucket, address) = Prepare();
        using var _ = client;
        var database = redis.NewDatabase();
        List<Process> processes = [Start("coordinator", "--cluster", database, "--port", "0", "--gateway-port", "0"), Start("worker", "--cluster", database, "--device", "cpu", "--threads", "1")];
        try
        {
            P2P.Run(Arguments(folder["local"])).Succeeded();
            await using var link = await ClusterLink.Open(ClusterAddress.Parse(database));
            await link.Call(grains => grains.GetGrain<ICatalog>(0).All(), CancellationToken.None);
            // The worker finds neither this folder nor the command's work in the bucket on its disk.
            var run = P2P.RunIn(new Dictionary<string, string> { ["XDG_CACHE_HOME"] = NewCache("cache") }, [.. Arguments(address), "--json", "--quiet", "--cluster", database]);
            Assert.Equal((4, address), JsonNode.Parse(run.Succeeded()) is { } facts ? ((int)facts["items"]!, (string?)facts["folder"]) : default);
            var files = await Files(client, bucket);
            Assert.True(files.Remove("run.plan.jsonl"));
            Assert.Equal(Local(), files);
        }
        finally
        {
            foreach (var process in processes)
                ServerProcess.End(process);
        }
    }

    // A cache of its own, as on another machine with the same processor: what was measured of the processor is the same.
    private string NewCache(string name)
    {
        const string Measured = "prompt-to-prompt/native";
        var common = Directory.CreateDirectory(Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME")!, Measured));
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder[name], Measured))!);
        Directory.CreateSymbolicLink(Path.Combine(folder[name], Measured), common.FullName);
        return folder[name];
    }

    [Fact]
    public void FoldersOfPairsAreNotWrittenToABucket()
    {
        var (client, _, address) = Prepare();
        client.Dispose();
        Assert.Equal("p2p: --layout: A data set of many folders is not written to S3. Use tar, or a folder of this machine.", P2P.Run([.. Arguments(address), "--layout", "folders"]).FailedWith(2));
    }

    public void Dispose() => folder.Dispose();

    private static Process Start(params string[] arguments) => ServerProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "p2p.dll"), .. arguments]);

    private static async Task<SortedDictionary<string, string>> Files(AmazonS3Client client, string bucket)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in (await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket, Prefix = "some/data/" })).S3Objects ?? [])
        {
            using var answer = await client.GetObjectAsync(bucket, file.Key);
            using var content = new MemoryStream();
            await answer.ResponseStream.CopyToAsync(content);
            var name = file.Key["some/data/".Length..];
            // The number of the run is random.
            files[name] = HashOf(name == "run.json" ? Encoding.UTF8.GetBytes(Regex.Replace(Encoding.UTF8.GetString(content.ToArray()), ",\"id\":\"[0-9a-f]{32}\"", "")) : content.ToArray());
        }

        return files;
    }

    private static string HashOf(byte[] content) => Convert.ToHexString(SHA256.HashData(content));

    private (AmazonS3Client Client, string Bucket, string Address) Prepare(int lastSteps = 2)
    {
        File.WriteAllLines(folder["plan.jsonl"], [.. Plan[..^1], Plan[^1].Replace("}", $", \"steps\": {lastSteps}}}", StringComparison.Ordinal)]);
        return server.NewBucket();
    }

    private SortedDictionary<string, string> Local() => new(
        Directory.EnumerateFiles(folder["local"]).ToDictionary(path => Path.GetFileName(path), path => HashOf(File.ReadAllBytes(path))), StringComparer.Ordinal);

    private string[] Arguments(string output) => ["batch", folder["plan.jsonl"], "-o", output, "--steps", "2", "--size", "64x64", "--shard-size", "2"];
}
