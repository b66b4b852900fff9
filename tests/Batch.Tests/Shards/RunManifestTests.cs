using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Batch.Tests.Shards;

public sealed class RunManifestTests : IDisposable
{
    private readonly SmallRun small = new();

    [Fact]
    public void AModelThatWorksInTilesMakesAnotherRun()
    {
        using var tiled = Tiled();
        Run(TinyModel.Shared.Model).Prepare();
        Assert.False((bool)Manifest["vae_tiling"]!);
        Assert.Contains("vae_tiling differs", Assert.Throws<InvalidInputException>(() => Run(tiled).Prepare()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherTokenizerOfTheFiltersMakesAnotherRun()
    {
        Run(TinyModel.Shared.Model).Prepare();
        Assert.True(Manifest.ContainsKey("clip_tokenizer"));
        var error = Assert.Throws<InvalidInputException>(() => new BatchRun(TinyModel.Shared.Model, small.Request() with { ClipTokenizer = "another" }).Prepare());
        Assert.Contains("clip_tokenizer differs", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolderOfATokenizerHasOneName()
    {
        new BatchRun(TinyModel.Shared.Model, small.Request() with { ClipTokenizer = TinyModel.Shared.Folder }).Prepare();
        new BatchRun(TinyModel.Shared.Model, small.Request() with { ClipTokenizer = Path.GetRelativePath(Directory.GetCurrentDirectory(), TinyModel.Shared.Folder) + "/" }).Prepare();
    }

    [Fact]
    public void AManifestOfAnEarlierVersionIsReadAndStaysAsItIs()
    {
        using var tiled = Tiled();
        Run(TinyModel.Shared.Model).Prepare();
        var earlier = Manifest;
        earlier.Remove("vae_tiling");
        earlier.Remove("clip_tokenizer");
        File.WriteAllText(small["out/run.json"], earlier.ToJsonString());
        // It does not say whether there were tiles.
        Run(tiled).Prepare();
        Run(TinyModel.Shared.Model).Prepare();
        Assert.Equal(earlier.ToJsonString(), File.ReadAllText(small["out/run.json"]));
        earlier.Remove("dtype");
        File.WriteAllText(small["out/run.json"], earlier.ToJsonString());
        Assert.Contains("dtype differs", Assert.Throws<InvalidInputException>(() => Run(tiled).Prepare()).Message, StringComparison.Ordinal);
    }

    public void Dispose() => small.Dispose();

    private JsonObject Manifest => (JsonObject)JsonNode.Parse(File.ReadAllText(small["out/run.json"]))!;

    private static StableDiffusionModel Tiled() => StableDiffusionModel.Load(TinyModel.Shared.Folder, TorchSharp.torch.CPU, TorchSharp.torch.float32, new ModelLoadOptions { TiledVae = true });

    private BatchRun Run(StableDiffusionModel model) => new(model, small.Request());
}
