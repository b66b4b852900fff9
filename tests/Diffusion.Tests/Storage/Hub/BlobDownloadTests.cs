namespace PromptToPrompt.Diffusion.Tests.Storage.Hub;

/// <summary>One content: going on where it broke, and proving what came.</summary>
public sealed class BlobDownloadTests : PullingTests
{
    [Fact]
    public async Task ADroppedConnectionGoesOnWhereItBroke()
    {
        var drops = 0;
        hub.Fault = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(hub.HashOf(Weights), StringComparison.Ordinal) || drops++ > 0)
                return false;
            context.Response.ContentLength = content.Length;
            await context.Response.Body.WriteAsync(content.AsMemory(0, 1_200_000));
            await context.Response.Body.FlushAsync();
            context.Abort();
            return true;
        };
        var pulled = await PullAsync();
        Assert.Equal(content, File.ReadAllBytes(Path.Combine(pulled.Path, Weights)));
        Assert.Equal([TimeSpan.FromSeconds(1)], waits);
        Assert.NotNull(hub.Fetches(Weights)[^1].Range);
    }

    [Fact]
    public async Task AConnectionThatAlwaysDropsIsGivenUpAndItsPartKept()
    {
        hub.Fault = context =>
        {
            if (context.Request.Path.Value!.EndsWith(hub.HashOf(Weights), StringComparison.Ordinal))
                context.Abort();
            return Task.FromResult(context.RequestAborted.IsCancellationRequested);
        };
        Write(Part, content[..500]);
        Assert.Contains("cannot be reached", await FailureAsync());
        Assert.Equal(500, new FileInfo(Part).Length);
        Assert.Equal([1, 2, 4, 8], waits.Select(wait => wait.TotalSeconds));
        Assert.False(Directory.Exists(Path.Combine(Cache, "snapshots")));
    }

    [Theory]
    [InlineData(1_000_000, "bytes=1000000-")]
    [InlineData(2_999_999, "bytes=2999999-")]
    public async Task AStoppedDownloadGoesOn(int here, string range)
    {
        Write(Part, content[..here]);
        var pulled = await PullAsync();
        Assert.Equal(range, Assert.Single(hub.Fetches(Weights)).Range);
        Assert.Equal(pulled.Bytes - here, pulled.Fetched);
        Assert.False(File.Exists(Part));
    }

    [Fact]
    public async Task ADamagedPartIsFetchedAnew()
    {
        Write(Part, new byte[1000]);
        Assert.Equal(content, File.ReadAllBytes(Path.Combine((await PullAsync()).Path, Weights)));
        Assert.Equal(["bytes=1000-", null], hub.Fetches(Weights).Select(fetch => fetch.Range));
        Write(Part, [.. content, 0]);
        File.Delete(Part[..^".incomplete".Length]);
        Assert.Equal(content, File.ReadAllBytes(Path.Combine((await PullAsync()).Path, Weights)));
    }

    [Fact]
    public async Task AServerWithoutRangesSendsEverything()
    {
        hub.Fault = context =>
        {
            context.Request.Headers.Remove("Range");
            return Task.FromResult(false);
        };
        Write(Part, content[..1000]);
        Assert.Equal(content, File.ReadAllBytes(Path.Combine((await PullAsync()).Path, Weights)));
    }

    [Theory]
    [InlineData(Weights, 64)]
    [InlineData("unet/config.json", 40)]
    public async Task AWrongHashIsRefused(string path, int length)
    {
        hub.FalseHashes[path] = new string('a', length);
        Assert.Contains($"{path} does not match the hash that the hub announced", await FailureAsync());
        Assert.Empty(Directory.GetFiles(Path.Combine(Cache, "blobs"), "aaa*"));
        hub.FalseHashes[path] = "../../../escape";
        Assert.Contains("has no hash", await FailureAsync());
    }

    [Fact]
    public async Task ABodyOfAnotherLengthIsRefused()
    {
        hub.FalseSizes[Weights] = 1000;
        Assert.Contains("instead of the announced 1000", await FailureAsync());
        hub.Fault = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(hub.HashOf(Weights), StringComparison.Ordinal))
                return false;
            // Without a length; it would go on for ever.
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(content.AsMemory(0, 500));
            return true;
        };
        Assert.Contains("more than the 1000 bytes", await FailureAsync());
    }

    [Fact]
    public async Task CancellingKeepsThePart()
    {
        using var cancellationToken = new CancellationTokenSource();
        hub.Fault = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(hub.HashOf(Weights), StringComparison.Ordinal))
                return false;
            context.Response.ContentLength = content.Length;
            await context.Response.Body.WriteAsync(content.AsMemory(0, 1000));
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        var pull = PullAsync(progress: new Notes([], value =>
        {
            if (value.Done >= 1000)
                cancellationToken.Cancel();
        }), cancellationToken: cancellationToken.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pull);
        Assert.Equal(content[..1000], File.ReadAllBytes(Part));
    }
}
