using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Storybook.Training;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Tests.Training;

public sealed class ExportedWeightsTests : IDisposable
{
    private const string Name = "diffusion_pytorch_model.safetensors";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void LargePartsAreSplitIntoFilesWithAnIndexThatLoads()
    {
        using var scope = NewDisposeScope();
        var weights = Weights();
        ExportedWeights.Write(folder.Path, Name, weights, maxBytes: 450);
        // Two tensors of 200 bytes fit in each.
        Assert.Equal(
            ["diffusion_pytorch_model-00001-of-00004.safetensors", "diffusion_pytorch_model-00004-of-00004.safetensors"],
            Directory.GetFiles(folder.Path, "*.safetensors").Select(Path.GetFileName).Order(StringComparer.Ordinal).Where((_, i) => i is 0 or 3));
        AssertStored(weights);
    }

    [Theory]
    [InlineData(450, 250)]
    [InlineData(250, 450)]
    [InlineData(450, 10_000)]
    [InlineData(10_000, 450)]
    public void NewWeightsReplaceAllFilesOfTheEarlierOnes(long before, long after)
    {
        using var scope = NewDisposeScope();
        var (old, weights) = (Weights(), Weights());
        ExportedWeights.Write(folder.Path, Name, old, before);
        ExportedWeights.Write(folder.Path, Name, weights, after);
        AssertStored(weights);
        using var fresh = new TemporaryFolder();
        ExportedWeights.Write(fresh.Path, Name, weights, after);
        Assert.Equal(Directory.GetFiles(fresh.Path).Select(Path.GetFileName).Order(), Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void AFailedWriteLeavesTheEarlierWeights()
    {
        using var scope = NewDisposeScope();
        var old = Weights();
        ExportedWeights.Write(folder.Path, Name, old, maxBytes: 450);
        var files = Directory.GetFiles(folder.Path);
        // The third file cannot be written.
        Directory.CreateDirectory(folder["diffusion_pytorch_model-00003-of-00004.safetensors.new"]);
        Assert.ThrowsAny<Exception>(() => ExportedWeights.Write(folder.Path, Name, Weights(), maxBytes: 450));
        AssertStored(old);
        Assert.Equal(files, Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void ASmallPartIsOneFile()
    {
        using var scope = NewDisposeScope();
        ExportedWeights.Write(folder.Path, Name, new Dictionary<string, Tensor> { ["weight"] = ones(3) });
        Assert.Equal(folder[Name], Assert.Single(Directory.GetFiles(folder.Path)));
    }

    private static Dictionary<string, Tensor> Weights() => Enumerable.Range(0, 7).ToDictionary(i => $"layer.{i}.weight", _ => randn(10, 10));

    private void AssertStored(Dictionary<string, Tensor> weights)
    {
        using var stored = StoredTensors.Open(WeightFiles.Find(folder.Path, variant: null));
        Assert.Equal(weights.Keys.Order(StringComparer.Ordinal), stored.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, weight) in weights)
            AssertClose(weight.to(ScalarType.Float16).to(ScalarType.Float32), stored.Tensors[name].Read().to(ScalarType.Float32), 0);
    }
}
