using System.Text.Json;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Weights;

/// <summary>Names and shapes of a published checkpoint's tensors, without their data (<c>Fixtures/manifests</c>).</summary>
internal sealed class Manifest
{
    private Manifest(JsonElement config, Dictionary<string, long[]> shapes)
    {
        Config = config;
        Shapes = shapes;
    }

    /// <summary>The model's published config.</summary>
    public JsonElement Config { get; }

    /// <summary>Shape of each tensor; tests change it.</summary>
    public Dictionary<string, long[]> Shapes { get; }

    public long Parameters { get; private set; }

    public static Manifest Read(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "manifests", $"{name}.json")));
        return new Manifest(
            json.RootElement.GetProperty("config").Clone(),
            json.RootElement.GetProperty("keys").Deserialize<Dictionary<string, long[]>>()!);
    }

    /// <summary>Weights that have a shape but no data; <see cref="Parameters"/> counts the numbers in those a model takes.</summary>
    internal StoredWeights Weights() => new("manifest", Shapes.ToDictionary(entry => entry.Key, entry => new StoredWeight(entry.Value, () =>
    {
        Parameters += entry.Value.Aggregate(1L, (product, size) => product * size);
        return empty(entry.Value, device: META);
    })));
}
