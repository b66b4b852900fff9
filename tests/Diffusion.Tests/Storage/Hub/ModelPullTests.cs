using PromptToPrompt.Diffusion.Storage.Hub;

namespace PromptToPrompt.Diffusion.Tests.Storage.Hub;

/// <summary>What is fetched of a repository, and where it is put.</summary>
public sealed class ModelPullTests : PullingTests
{
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
        Assert.Contains("variant bf16", await FailureAsync(request with { Variant = "bf16" }));
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
    public async Task AnAutoencoderOfItsOwnIsPulledWithItsConfig()
    {
        await using var vae = HubServer.Start("owner/vae");
        vae.Add("config.json", """{"_class_name": "AutoencoderKL"}""").Add("README.md", "").Add("diffusion_pytorch_model.safetensors", content, isLarge: true)
            .Add("diffusion_pytorch_model.bin", content[..5], isLarge: true).Add("vae.ckpt", content[..7], isLarge: true);
        environment["HF_ENDPOINT"] = vae.Address.ToString();
        Assert.Equal(["config.json", "diffusion_pytorch_model.safetensors"], Names(await PullAsync(new PullRequest(HubRepository.Parse("owner/vae")))));
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
    public async Task AModelOfAnotherKindIsRefusedBeforeItsWeights()
    {
        hub.Add(Index, """{"_class_name": "FluxPipeline"}""");
        Assert.Contains("FluxPipeline", await FailureAsync());
        Assert.Empty(hub.Fetches(Weights));
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
        Assert.Contains("leads outside the cache", await FailureAsync());
        Assert.Empty(Directory.GetFiles(Cache, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task ADiskWithoutRoomIsToldBeforeTheDownload()
    {
        Assert.Contains("Free some space", await FailureAsync(free: content.Length - 1));
        Assert.Empty(hub.Fetches(Weights));
        hub.FalseSizes[Weights] = long.MaxValue;
        hub.FalseSizes["tokenizer/vocab.json"] = long.MaxValue;
        Assert.Contains("Free some space", await FailureAsync(free: long.MaxValue));
    }

    [Fact]
    public async Task TwoAtOnceFetchOnce()
    {
        var pulls = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => PullAsync(wait: (_, stop) => Task.Delay(1, stop)))));
        Assert.All(pulls, pulled => Assert.Equal(content, File.ReadAllBytes(Path.Combine(pulled.Path, Weights))));
        Assert.Single(hub.Fetches(Weights));
        Assert.Equal(pulls[0].Bytes, pulls.Sum(pulled => pulled.Fetched));
    }
}
