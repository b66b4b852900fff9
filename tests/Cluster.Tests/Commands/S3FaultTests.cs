using System.Text;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Making;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Cluster.Tests.Servers;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cluster.Tests.Commands;

/// <summary>What other machines, users and a faulty service do to a data set in a bucket during a run.</summary>
public sealed class S3FaultTests : IAsyncLifetime
{
    private const string Stats = "data/00000.json", Manifest = "data/run.json", Tar = "data/00000.tar";

    private readonly TemporaryFolder folder = new();
    private FaultyS3 server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("{\"id\":\"another\"}")]
    [InlineData(null)]
    public void UnfinishedItemsOfAnotherRunAreForgotten(string? manifest)
    {
        var place = server.Place(folder["cache"]);
        place.Create(RunManifest.Name, "{}", Token);
        var unfinished = Directory.CreateDirectory(ShardPaths.AllUnfinished(place.Folder));
        place.Fetch(Token);
        place.Fetch(new ShardPaths(place.Folder, 0), Token);
        Assert.True(Directory.Exists(unfinished.FullName));
        if (manifest is null)
            Assert.True(server.Objects.TryRemove(Manifest, out _));
        else
            server.Objects[Manifest] = Encoding.UTF8.GetBytes(manifest);
        place.Fetch(new ShardPaths(place.Folder, 0), Token);
        Assert.False(Directory.Exists(unfinished.FullName));
        Assert.Equal(manifest is not null, File.Exists(Path.Combine(place.Folder, RunManifest.Name)));
    }

    [Fact]
    public void EqualRunsHaveDifferentManifestsAndFitEachOther()
    {
        Run("one").Prepare(Token);
        Assert.True(server.Objects.TryRemove(Manifest, out var first));
        Run("two").Prepare(Token);
        Assert.NotEqual(first, server.Objects[Manifest]);
        Run("one").Prepare(Token);
        Assert.Equal(server.Objects[Manifest], File.ReadAllBytes(folder["one/run.json"]));
        // A manifest of an earlier version has no number.
        server.Objects[Manifest] = Encoding.UTF8.GetBytes(System.Text.RegularExpressions.Regex.Replace(Encoding.UTF8.GetString(server.Objects[Manifest]), ",\"id\":\"[0-9a-f]*\"", ""));
        Assert.DoesNotContain("\"id\"", Encoding.UTF8.GetString(server.Objects[Manifest]), StringComparison.Ordinal);
        Run("one").Prepare(Token);
    }

    [Theory]
    [InlineData(409, "ConditionalRequestConflict")]
    [InlineData(412, "PreconditionFailed")]
    public void StatisticsThatTheServiceRefusesAndDoesNotHaveAreAnError(int status, string code)
    {
        var run = Run();
        server.Fault = (method, key, _) => Answer(method == "PUT" && key == Stats ? (status, code) : null);
        Assert.Contains("00000.json cannot be written", Assert.Throws<IOException>(() => run.Execute(cancellationToken: Token)).Message, StringComparison.Ordinal);
        // The next process completes it.
        server.Fault = null;
        Assert.Equal(2, Run().Execute(cancellationToken: Token).Items);
        Assert.True(server.Objects.ContainsKey(Stats));
    }

    [Fact]
    public void ARefusalThatPassesIsTriedAgain()
    {
        var refusals = 2;
        server.Fault = (method, key, _) => Answer(method == "PUT" && key == Stats && refusals-- > 0 ? (409, "ConditionalRequestConflict") : null);
        Run().Execute(cancellationToken: Token);
        Assert.True(server.Objects.ContainsKey(Stats));
    }

    [Fact]
    public void AShardThatIsLostBeforeTheEndIsAnError()
    {
        server.Fault = (method, key, _) =>
        {
            if (method == "GET" && key == "data/00001.json")
                server.Objects.TryRemove(Stats, out var _);
            return Answer(null);
        };
        var error = Assert.Throws<IOException>(() => Run(shardSize: 1).Execute(cancellationToken: Token));
        Assert.Contains("is not complete: shards without statistics that this run has made or found complete: 1, the first with number 0.", error.Message, StringComparison.Ordinal);
        server.Fault = null;
        Run(shardSize: 1).Execute(cancellationToken: Token);
        Assert.True(server.Objects.ContainsKey(Stats));
    }

    [Fact]
    public void AShardWhoseStatisticsWereDeletedElsewhereIsMadeAgain()
    {
        var run = Run();
        run.Execute(cancellationToken: Token);
        Assert.True(server.Objects.TryRemove(Stats, out var stats));
        // As a worker does, which knows the shard to be complete.
        Assert.True(run.MakeShard(0, cancellationToken: Token));
        Assert.Equal(stats, server.Objects[Stats]);
    }

    [Fact]
    public void AManifestThatChangesDuringAShardIsNoticed()
    {
        var run = Run();
        run.Prepare(Token);
        Assert.Contains("deleted or replaced during the run", Assert.Throws<IOException>(() => run.MakeShard(0, new Watcher(_ => server.Objects[Manifest] = "{}"u8.ToArray()), Token)).Message, StringComparison.Ordinal);
        Assert.Equal([Manifest], server.Objects.Keys);
        server.Objects.Clear();
        // An equal run after a deletion makes all again.
        Assert.True(run.MakeShard(0, cancellationToken: Token));
        Assert.Equal(2, server.Objects.Keys.Count(key => key is Stats or Manifest));
    }

    [Fact]
    public void WhoLosesAShardBetweenItsFilesWritesNoMore()
    {
        var run = Run();
        run.Prepare(Token);
        Assert.False(run.MakeShard(0, mayCommit: () => !server.Objects.ContainsKey(Tar), cancellationToken: Token));
        Assert.Equal([Tar, Manifest], server.Objects.Keys.Order(StringComparer.Ordinal));
        // What another machine completes meanwhile stays, and if its files are others, that is said.
        var theirs = Encoding.UTF8.GetBytes("""{"shard":0,"first_item":0,"items":2,"failed":0,"made":2,"kept":2,"files":{}}""");
        var error = Assert.Throws<IOException>(() => run.MakeShard(0, mayCommit: () =>
        {
            if (server.Requests.Count(request => request == $"PUT {Tar}") == 2)
                server.Objects[Stats] = theirs;
            return true;
        }, cancellationToken: Token));
        Assert.StartsWith($"s3://bucket/{Stats}: another process completed this shard with other files, and files of both may be mixed now. ", error.Message, StringComparison.Ordinal);
        Assert.Equal(theirs, server.Objects[Stats]);
        Assert.DoesNotContain("PUT data/00000.parquet", server.Requests);
        // The list of failures is theirs, too.
        Assert.DoesNotContain("DELETE data/00000.failed.jsonl", server.Requests.Reverse().TakeWhile(request => request != $"PUT {Tar}"));
    }

    [Fact]
    public void AnotherMachineWithTheSameFilesIsNoConflict()
    {
        var (mine, other) = (Run(), Run("other"));
        mine.Prepare(Token);
        Assert.True(mine.MakeShard(0, mayCommit: () =>
        {
            if (server.Objects.ContainsKey(Tar) && !server.Objects.ContainsKey(Stats))
                Assert.True(other.MakeShard(0, cancellationToken: Token));
            return true;
        }, cancellationToken: Token));
        Assert.Equal(1, server.Requests.Count(request => request == $"PUT {Stats}"));
    }

    [Fact]
    public void AnotherProcessOfThisMachineDoesNotLoseWhatItWritesDuringAFetch()
    {
        var place = server.Place(folder["cache"]);
        place.Create(RunManifest.Name, "{}", Token);
        var writes = true;
        server.Fault = (method, key, _) =>
        {
            // The list is made before, and answered after.
            if (method == "GET" && key.Length == 0 && writes)
                File.WriteAllText(folder["cache/00000.json"], "{}");
            return Answer(null);
        };
        place.Fetch(Token);
        Assert.True(File.Exists(folder["cache/00000.json"]));
        writes = false;
        place.Fetch(Token);
        Assert.False(File.Exists(folder["cache/00000.json"]));
    }

    [Fact]
    public void FinishedItemsAreComparedWithTheirImagesAlsoByWorkers()
    {
        File.WriteAllText(folder["plan.jsonl"], """{"source": "a cat", "target": "a dog", "image": "cat.png", "method": "ddim"}""");
        new Image(16, 16, new byte[16 * 16 * 3]).SavePng(folder["cat.png"]);
        var run = Run();
        run.Prepare(Token);
        Assert.False(run.MakeShard(0, mayCommit: () => false, cancellationToken: Token));
        var pixels = new byte[16 * 16 * 3];
        pixels[0] = 200;
        new Image(16, 16, pixels).SavePng(folder["cat.png"]);
        Assert.Contains("is no longer the image", Assert.Throws<InvalidInputException>(() => run.MakeShard(0, cancellationToken: Token)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1 << 25)]
    [InlineData(1000)]
    public async Task AnUploadIsGivenUpAtOnce(int partBytes)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var hangs = true;
        server.Fault = async (method, key, context) =>
        {
            if (!hangs || method != "PUT" || key != Tar)
                return null;
            stop.Cancel();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return (503, "SlowDown");
        };
        var run = Run(partBytes: partBytes);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Run(() => run.Execute(cancellationToken: stop.Token), Token));
        Assert.Equal(partBytes == 1000, server.HasAborted);
        // The items are still there.
        hangs = false;
        var made = 0;
        Run().Execute(new Watcher(_ => made++), Token);
        Assert.Equal(1, made);
        Assert.True(server.Objects.ContainsKey(Tar));
    }

    [Fact]
    public async Task EachServiceHasItsOwnFolderOnThisMachine()
    {
        await using var other = await FaultyS3.Start();
        Assert.NotEqual(server.Place(null).Folder, other.Place(null).Folder);
        Assert.Equal(server.Place(null).Folder, server.Place(null).Folder);
    }

    [Fact]
    public void AServiceThatDoesNotAnswerIsOneError()
    {
        server.Fault = async (_, _, context) =>
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return (503, "SlowDown");
        };
        var error = Assert.Throws<IOException>(() => server.Place(folder["cache"], config => config.Timeout = TimeSpan.FromMilliseconds(300)).Fetch(Token));
        Assert.Equal("s3://bucket/data: the service did not answer in time to list the objects under this prefix. Check the connection and the endpoint.", error.Message);
    }

    [Fact]
    public void AConnectionThatBreaksIsOneError()
    {
        server.Fault = (_, _, context) =>
        {
            context.Abort();
            return Answer(null);
        };
        Assert.StartsWith("s3://bucket/data: cannot list the objects under this prefix: ", Assert.Throws<IOException>(() => server.Place(folder["cache"]).Fetch(Token)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailureToGiveUpAnUploadDoesNotHideTheFirstError()
    {
        server.Fault = (method, key, context) => Answer(method == "PUT" && key == Tar ? (403, "AccessDenied") : method == "DELETE" && context.Request.Query.ContainsKey("uploadId") ? (400, "NoSuchUpload") : null);
        Assert.StartsWith(
            "s3://bucket/data/00000.tar: the service does not let these credentials write this object (AccessDenied: ", Assert.Throws<IOException>(() => Run(partBytes: 1000).Execute(cancellationToken: Token)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AServiceWithoutConditionsIsWrittenWithoutThem()
    {
        server.Fault = (_, _, context) => Answer(context.Request.Headers.IfNoneMatch.Count > 0 ? (501, "NotImplemented") : null);
        Run().Execute(cancellationToken: Token);
        Assert.True(server.Objects.ContainsKey(Stats));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void WithoutCredentialsTheErrorSaysHowToSetThem()
    {
        File.WriteAllText(folder["none"], "");
        var run = P2P.RunIn(
            new Dictionary<string, string>
            {
                ["AWS_ENDPOINT_URL_S3"] = server.Url,
                ["AWS_REGION"] = "us-east-1",
                ["AWS_ACCESS_KEY_ID"] = "",
                ["AWS_SECRET_ACCESS_KEY"] = "",
                ["AWS_EC2_METADATA_DISABLED"] = "true",
                ["AWS_SHARED_CREDENTIALS_FILE"] = folder["none"],
                ["AWS_CONFIG_FILE"] = folder["none"],
                ["HOME"] = folder.Path,
                ["XDG_CACHE_HOME"] = folder["cache"],
            },
            "batch", folder["plan.jsonl"], "-o", "s3://bucket/data");
        Assert.Equal("p2p: s3://bucket/data: There are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`.", run.FailedWith(1));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void ACacheThatCannotBeWrittenNamesItsVariable()
    {
        File.WriteAllText(folder["file"], "");
        var run = P2P.RunIn(
            new Dictionary<string, string> { ["AWS_ENDPOINT_URL_S3"] = server.Url, ["AWS_REGION"] = "us-east-1", ["AWS_ACCESS_KEY_ID"] = "key", ["AWS_SECRET_ACCESS_KEY"] = "secret", ["XDG_CACHE_HOME"] = folder["file"] },
            "batch", folder["plan.jsonl"], "-o", "s3://bucket/data");
        Assert.Matches("^p2p: Unfinished work of s3://bucket/data is kept on this machine. .* is a file. Set XDG_CACHE_HOME to a folder that is writable.$", run.FailedWith(2));
    }

    [Fact]
    public void AFailedDeletionDoesNotHideWhyItemsFailed()
    {
        File.WriteAllLines(folder["plan.jsonl"], Enumerable.Range(0, 10).Select(number => $$"""{"source": "a cat", "target": "a dog", "id": "{{number}}"}"""));
        server.Fault = (method, key, _) => Answer(method == "DELETE" && key == Stats ? (403, "AccessDenied") : null);
        var error = Assert.Throws<RepeatedFailureException>(() => Run(shardSize: 1, filter: new Broken()).Execute(cancellationToken: Token));
        Assert.Contains("Some are listed as failed, because files could not be deleted; delete s3://bucket/data/00000.json. Correct the cause", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("The judge is broken.", error.Message, StringComparison.Ordinal);
        Assert.Equal([Stats], server.Objects.Keys.Where(key => key.EndsWith("0.json", StringComparison.Ordinal)));
    }

    [Fact]
    public void FinishedItemsOfShardsThatOthersCompletedAreDeleted()
    {
        var run = Run(shardSize: 1);
        run.Prepare(Token);
        Assert.False(run.MakeShard(0, mayCommit: () => false, cancellationToken: Token));
        Run("other", shardSize: 1).MakeShard(0, cancellationToken: Token);
        Assert.True(Directory.Exists(folder["cache/unfinished/00000"]));
        run.MakeShard(1, cancellationToken: Token);
        Assert.False(Directory.Exists(folder["cache/unfinished/00000"]));
    }

    public async ValueTask InitializeAsync()
    {
        server = await FaultyS3.Start();
        await File.WriteAllLinesAsync(folder["plan.jsonl"], ["""{"source": "a cat", "target": "a dog"}""", """{"source": "a red car", "target": "a blue car"}"""]);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        folder.Dispose();
    }

    private static Task<(int Status, string Code)?> Answer((int, string)? answer) => Task.FromResult(answer);

    private BatchRun Run(string cache = "cache", int shardSize = 2, int partBytes = 1 << 25, PairFilter? filter = null)
    {
        var place = server.Place(folder[cache]);
        place.Bucket.PartBytes = partBytes;
        return new BatchRun(TinyModel.Shared.Model, new BatchRequest
        {
            Plan = BatchPlan.Read(folder["plan.jsonl"]),
            Folder = place.Folder,
            Place = place,
            Layout = new TarLayout { Format = ImageFormat.Png },
            Settings = SettingValues.None.With("steps", "1").With("size", "64x64"),
            ShardSize = shardSize,
            Filters = filter is null ? [] : [filter],
        });
    }

    private sealed class Broken : PairFilter
    {
        public override bool Keeps(Pair pair, CancellationToken cancellationToken) => throw new IOException("The judge is broken.");
    }

    private sealed class Watcher(Action<BatchProgress> watch) : IProgress<BatchProgress>
    {
        public void Report(BatchProgress value) => watch(value);
    }
}
