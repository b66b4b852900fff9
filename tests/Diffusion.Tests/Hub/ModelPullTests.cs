using System.Text;
using Microsoft.AspNetCore.Http;
using PromptToPrompt.Diffusion.Hub;
using PromptToPrompt.Diffusion.Tests.Checkpoints;

namespace PromptToPrompt.Diffusion.Tests.Hub;

public sealed class ModelPullTests : IAsyncDisposable
{
    private const string Weights = "unet/diffusion_pytorch_model.safetensors";
    private const string HalfWeights = "unet/diffusion_pytorch_model.fp16.safetensors";
    private const string Index = "model_index.json";
    private readonly TemporaryFolder folder = new();
    private readonly HubServer hub = HubServer.Start();
    private readonly byte[] content = [.. Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * i >> 3))];
    private readonly Dictionary<string, string?> environment;
    private readonly List<TimeSpan> waits = [];
    private readonly PullRequest request = new(HubRepository.Parse("owner/model"));

    public ModelPullTests()
    {
        environment = new() { ["HF_ENDPOINT"] = hub.Address.ToString(), ["HF_HOME"] = folder["hf"] };
        hub.Add(Index, """{"_class_name": "StableDiffusionPipeline"}""")
            .Add("README.md", "not needed")
            .Add("tokenizer/vocab.json", "{}")
            .Add("tokenizer/merges.txt", "#version: 0.2")
            .Add("unet/config.json", "{\"unet\": 1}")
            .Add(Weights, content, isLarge: true)
            .Add(HalfWeights, content[..1000], isLarge: true)
            .Add("unet/diffusion_pytorch_model.bin", content[..5], isLarge: true)
            .Add("safety_checker/model.safetensors", content[..10], isLarge: true)
            .Add("model.ckpt", content[..20], isLarge: true);
    }

    private string Cache => Path.Combine(folder["hf"], "hub", "models--owner--model");

    private string Part => Path.Combine(Cache, "blobs", hub.HashOf(Weights) + ".incomplete");

    [Fact]
    public async Task WhatAPipelineNeedsIsLaidOutAsTheHubsToolsDo()
    {
        var pulled = await PullAsync();
        Assert.Equal(Path.Combine(Cache, "snapshots", HubServer.Commit), pulled.Path);
        Assert.Equal([Index, "tokenizer/merges.txt", "tokenizer/vocab.json", "unet/config.json", Weights], Names(pulled));
        Assert.Equal(HubServer.Commit, File.ReadAllText(Path.Combine(Cache, "refs", "main")));
        var weights = new FileInfo(Path.Combine(pulled.Path, Weights));
        Assert.Equal($"../../../blobs/{hub.HashOf(Weights)}", weights.LinkTarget);
        Assert.Equal(content, File.ReadAllBytes(weights.FullName));
        Assert.Equal("{}", File.ReadAllText(Path.Combine(pulled.Path, "tokenizer", "vocab.json")));
        Assert.Equal(pulled.Bytes, pulled.Fetched);

        hub.Requests.Clear();
        Assert.Equal(0, (await PullAsync()).Fetched);
        Assert.Empty(hub.Fetches(Weights));
    }

    [Fact]
    public async Task AVariantBringsItsWeightsOnly()
    {
        Assert.Contains(HalfWeights, (await PullAsync(request with { Variant = "fp16" })).Files);
        Assert.False(File.Exists(Part[..^".incomplete".Length]));
        Assert.Contains("--variant bf16", await FailureAsync(request with { Variant = "bf16" }));
    }

    [Fact]
    public async Task ShardsComeByTheirIndex()
    {
        const string Shards = "unet/diffusion_pytorch_model.fp32.safetensors.index.json";
        hub.Add(Shards, """{"weight_map": {"a": "s-1.safetensors", "b": "s-2.safetensors", "c": "s-1.safetensors"}}""")
            .Add("unet/s-1.safetensors", content[..7], isLarge: true)
            .Add("unet/s-2.safetensors", content[..8], isLarge: true);
        Assert.Superset(new HashSet<string> { Shards, "unet/s-1.safetensors", "unet/s-2.safetensors" }, Names(await PullAsync(request with { Variant = "fp32" })).ToHashSet());
        hub.Add(Shards, """{"weight_map": {"a": "../../../../../s-1.safetensors"}}""");
        Assert.Contains("does not have", await FailureAsync(request with { Variant = "fp32" }));
    }

    [Fact]
    public async Task SingleFilesAndTokenizersComeToo()
    {
        Assert.Equal(["model.ckpt"], (await PullAsync(request with { Files = ["model.ckpt"] })).Files);
        Assert.Contains("no file none.ckpt", await FailureAsync(request with { Files = ["none.ckpt"] }));
        await using var clip = HubServer.Start("openai/clip");
        clip.Add("vocab.json", "{}").Add("merges.txt", "").Add("tokenizer_config.json", "{}").Add("model.safetensors", content, isLarge: true);
        environment["HF_ENDPOINT"] = clip.Address.ToString();
        Assert.Equal(["merges.txt", "tokenizer_config.json", "vocab.json"], Names(await PullAsync(new PullRequest(HubRepository.Parse("openai/clip")))));
    }

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
        Assert.Contains($"{path} is not what the hub announced", await FailureAsync());
        Assert.Empty(Directory.GetFiles(Path.Combine(Cache, "blobs"), "aaa*"));
        hub.FalseHashes[path] = "../../../escape";
        Assert.Contains("without a hash", await FailureAsync());
    }

    [Fact]
    public async Task TheTokenGoesToTheHubAlone()
    {
        environment["HF_TOKEN"] = "hf_secret\n";
        await PullAsync();
        Assert.All(hub.Requests, seen => Assert.Equal(seen.ToContentHost ? null : "Bearer hf_secret", seen.Authorization));
        Assert.Contains(hub.Requests, seen => seen.ToContentHost);
        environment.Remove("HF_TOKEN");
        Directory.Delete(Cache, recursive: true);
        hub.Requests.Clear();
        Write(Path.Combine(folder["hf"], "token"), Encoding.ASCII.GetBytes("hf_file"));
        await PullAsync();
        Assert.All(hub.Requests, seen => Assert.Equal(seen.ToContentHost ? null : "Bearer hf_file", seen.Authorization));
        environment["HF_TOKEN"] = "two words";
        Assert.Contains("HF_TOKEN holds no token", await FailureAsync());
    }

    [Theory]
    [InlineData(401, "RepoNotFound", "set HF_TOKEN")]
    [InlineData(401, "GatedRepo", "accept its terms")]
    [InlineData(403, "GatedRepo", "accept its terms")]
    [InlineData(403, null, "private or gated")]
    [InlineData(404, "RepoNotFound", "has no model owner/model")]
    [InlineData(404, "RevisionNotFound", "no revision \"main\"")]
    [InlineData(418, null, "answers 418")]
    public async Task RefusalsSayWhatToDo(int status, string? code, string message)
    {
        hub.Fault = context =>
        {
            HubServer.Refuse(context, status, code);
            return Task.FromResult(true);
        };
        Assert.Contains(message, await FailureAsync());
        Assert.Single(hub.Requests);
    }

    [Fact]
    public async Task ARefusedTokenIsNamedNotShown()
    {
        environment["HF_TOKEN"] = "hf_secret";
        hub.Fault = context =>
        {
            HubServer.Refuse(context, 401);
            return Task.FromResult(true);
        };
        var message = await FailureAsync();
        Assert.Contains("the token of HF_TOKEN", message);
        Assert.DoesNotContain("hf_secret", message);
    }

    [Fact]
    public async Task TooManyRequestsAreWaitedFor()
    {
        var refusals = 0;
        var notes = new List<string>();
        hub.Fault = context =>
        {
            if (refusals++ > 0)
                return Task.FromResult(false);
            HubServer.Refuse(context, 429);
            context.Response.Headers.RetryAfter = "17";
            return Task.FromResult(true);
        };
        await PullAsync(progress: new Notes(notes));
        Assert.Equal([TimeSpan.FromSeconds(17)], waits);
        Assert.Contains("too many requests (429); waiting 17 s", notes);
    }

    [Theory]
    [InlineData(429, "86400", "86400 s", 1)]
    [InlineData(429, "3", "too many requests", 5)]
    [InlineData(503, null, "in trouble (503)", 5)]
    public async Task WaitingHasAnEnd(int status, string? after, string message, int requests)
    {
        hub.Fault = context =>
        {
            HubServer.Refuse(context, status);
            context.Response.Headers.RetryAfter = after;
            return Task.FromResult(true);
        };
        Assert.Contains(message, await FailureAsync());
        Assert.Equal(requests, hub.Requests.Count);
    }

    [Fact]
    public async Task ADiskWithoutRoomIsToldBeforeTheDownload()
    {
        Assert.Contains("make room", await FailureAsync(free: content.Length - 1));
        Assert.Empty(hub.Fetches(Weights));
        hub.FalseSizes[Weights] = long.MaxValue;
        hub.FalseSizes["tokenizer/vocab.json"] = long.MaxValue;
        Assert.Contains("make room", await FailureAsync(free: long.MaxValue));
    }

    [Fact]
    public async Task ABodyOfAnotherLengthIsRefused()
    {
        hub.FalseSizes[Weights] = 1000;
        Assert.Contains("where 1000 were announced", await FailureAsync());
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
    public async Task AnEndlessListIsCutOff()
    {
        hub.Fault = async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(content);
            return true;
        };
        Assert.Contains("without end", await FailureAsync());
    }

    [Theory]
    [InlineData("../../escape.json")]
    [InlineData("/etc/escape.json")]
    [InlineData("unet/../../escape.json")]
    [InlineData("unet\\escape.json")]
    [InlineData("unet//escape.json")]
    [InlineData("unet/\u001b[2Jescape.json")]
    public async Task NamesThatLeadOutAreRefused(string name)
    {
        hub.Add(name, "{}");
        Assert.Contains("leads out of the cache", await FailureAsync());
        Assert.Empty(Directory.GetFiles(Cache, "*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("<html>")]
    [InlineData("{\"sha\": \"main\", \"siblings\": []}")]
    [InlineData("{\"sha\": 1, \"siblings\": []}")]
    [InlineData("{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": [null]}")]
    public async Task OtherAnswersThanAHubsAreRefused(string answer)
    {
        hub.Fault = async context =>
        {
            await context.Response.WriteAsync(answer);
            return true;
        };
        Assert.Contains("does not answer as the hub does", await FailureAsync());
    }

    [Theory]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/owner/model/loop")]
    public async Task RedirectsAreFollowedWithCare(string location)
    {
        hub.Fault = context =>
        {
            context.Response.Redirect(location);
            return Task.FromResult(true);
        };
        Assert.Contains("redirects", await FailureAsync());
    }

    [Fact]
    public async Task ARenamedRepositoryIsFollowed()
    {
        hub.Fault = context =>
        {
            var path = context.Request.Path.Value!;
            if (path.Contains("owner/old", StringComparison.Ordinal))
                context.Response.Redirect(path.Replace("owner/old", "owner/model", StringComparison.Ordinal), permanent: true, preserveMethod: true);
            return Task.FromResult(path.Contains("owner/old", StringComparison.Ordinal));
        };
        var pulled = await PullAsync(new PullRequest(HubRepository.Parse("owner/old")));
        Assert.Equal(content, File.ReadAllBytes(Path.Combine(pulled.Path, Weights)));
    }

    [Fact]
    public async Task AModelOfAnotherKindIsRefusedBeforeItsWeights()
    {
        hub.Add(Index, """{"_class_name": "FluxPipeline"}""");
        Assert.Contains("FluxPipeline", await FailureAsync());
        Assert.Empty(hub.Fetches(Weights));
    }

    [Fact]
    public async Task CancellingKeepsThePart()
    {
        using var cancel = new CancellationTokenSource();
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
                cancel.Cancel();
        }), cancel: cancel.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pull);
        Assert.Equal(content[..1000], File.ReadAllBytes(Part));
    }

    [Fact]
    public async Task TwoAtOnceFetchOnce()
    {
        var pulls = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => PullAsync(wait: (_, stop) => Task.Delay(1, stop)))));
        Assert.All(pulls, pulled => Assert.Equal(content, File.ReadAllBytes(Path.Combine(pulled.Path, Weights))));
        Assert.Single(hub.Fetches(Weights));
        Assert.Equal(pulls[0].Bytes, pulls.Sum(pulled => pulled.Fetched));
    }

    [Fact]
    public async Task OfflineMeansOffline()
    {
        environment["HF_HUB_OFFLINE"] = "1";
        Assert.Contains("HF_HUB_OFFLINE", await FailureAsync());
        environment.Remove("HF_HUB_OFFLINE");
        environment["HF_ENDPOINT"] = "hub";
        Assert.Contains("HF_ENDPOINT is \"hub\"", await FailureAsync());
        Assert.Empty(hub.Requests);
    }

    public async ValueTask DisposeAsync()
    {
        await hub.DisposeAsync();
        folder.Dispose();
    }

    private static void Write(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    private static IEnumerable<string> Names(PulledModel pulled) => pulled.Files.Order(StringComparer.Ordinal);

    private Task<PulledModel> PullAsync(
        PullRequest? what = null, long free = long.MaxValue, IProgress<PullProgress>? progress = null, Func<TimeSpan, CancellationToken, Task>? wait = null,
        CancellationToken cancel = default)
    {
        var pull = new ModelPull(new HubSettings(environment.GetValueOrDefault)) { FreeSpace = _ => free, Wait = wait ?? Remember };
        return pull.RunAsync(what ?? request, progress, cancel);
    }

    private async Task<string> FailureAsync(PullRequest? what = null, long free = long.MaxValue) =>
        (await Assert.ThrowsAsync<InvalidInputException>(() => PullAsync(what, free))).Message;

    private Task Remember(TimeSpan wait, CancellationToken cancel)
    {
        waits.Add(wait);
        return Task.CompletedTask;
    }

    private sealed class Notes(List<string> notes, Action<PullProgress>? seen = null) : IProgress<PullProgress>
    {
        public void Report(PullProgress value)
        {
            notes.Add(value.Note);
            seen?.Invoke(value);
        }
    }
}
