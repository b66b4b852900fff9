using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Pipelines;

/// <summary>
/// A small model with random weights, and what the reference implementation computes with it. <c>tiny-sd21</c> is a fixture;
/// <c>tiny-sd15</c> is too large to be one, so its tests are skipped where the reference folder is absent.
/// </summary>
internal sealed class ReferenceModel : IDisposable
{
    /// <summary>How far a result may be from the reference, relative to its largest value: float32 sums in another order.</summary>
    private const double Tolerance = 1e-4;

    private readonly string folder;
    private readonly List<IDisposable> owned = [];

    public ReferenceModel(string name) => folder = Folder(name);

    /// <summary>The folder of a model; where it is neither a fixture nor in the reference the test is skipped.</summary>
    public static string Folder(string name)
    {
        var fixture = Path.Combine(AppContext.BaseDirectory, "Fixtures", name);
        return Directory.Exists(fixture) ? fixture : ReferenceFolder.Require(name);
    }

    public string Config(string part) => Path.Combine(folder, part, "config.json");

    internal SafetensorsFile Weights(string part)
        => Open(part, part.StartsWith("text_encoder", StringComparison.Ordinal) ? "model.safetensors" : "diffusion_pytorch_model.safetensors");

    internal SafetensorsFile Goldens(string part) => Open("goldens", $"{part}.safetensors");

    /// <summary>The part's weights as a source for its model, which stays open as long as this object.</summary>
    internal StoredWeights Stored(string part)
    {
        var file = Weights(part);
        return Own(new StoredWeights(file.Path, file.Tensors.ToDictionary(
            entry => entry.Key, entry => new StoredWeight(entry.Value.Shape, () => file.Read(entry.Key)))));
    }

    public T Own<T>(T resource)
        where T : IDisposable
    {
        owned.Add(resource);
        return resource;
    }

    /// <summary>Compares a result with the recorded one.</summary>
    internal static void AssertClose(SafetensorsFile goldens, string name, Tensor actual)
        => TensorAssert.AssertClose(goldens.Read(name), actual, Tolerance, name);

    public void Dispose()
    {
        foreach (var resource in Enumerable.Reverse(owned))
            resource.Dispose();
    }

    private SafetensorsFile Open(string part, string file) => Own(SafetensorsFile.Open(Path.Combine(folder, part, file)));
}
