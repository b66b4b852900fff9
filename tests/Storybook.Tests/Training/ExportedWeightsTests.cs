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
        var weights = Enumerable.Range(0, 7).ToDictionary(i => $"layer.{i}.weight", i => randn(10, 10));
        ExportedWeights.Write(folder.Path, Name, weights, maxBytes: 450);
        // Two tensors of 200 bytes fit in each.
        Assert.Equal(
            ["diffusion_pytorch_model-00001-of-00004.safetensors", "diffusion_pytorch_model-00004-of-00004.safetensors"],
            Directory.GetFiles(folder.Path, "*.safetensors").Select(Path.GetFileName).Order(StringComparer.Ordinal).Where((_, i) => i is 0 or 3));
        using var stored = StoredTensors.Open(WeightFiles.Find(folder.Path, variant: null));
        Assert.Equal(weights.Keys.Order(StringComparer.Ordinal), stored.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, weight) in weights)
            AssertClose(weight.to(ScalarType.Float16).to(ScalarType.Float32), stored.Tensors[name].Read().to(ScalarType.Float32), 0);
    }

    [Fact]
    public void ASmallPartIsOneFile()
    {
        using var scope = NewDisposeScope();
        ExportedWeights.Write(folder.Path, Name, new Dictionary<string, Tensor> { ["weight"] = ones(3) });
        Assert.Equal(folder[Name], Assert.Single(Directory.GetFiles(folder.Path)));
    }
}
