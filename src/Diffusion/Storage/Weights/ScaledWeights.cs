using System.Text.Json;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>
/// Applies the scales of eight-bit weights, which tools store next to the weights under several names. A weight is multiplied by its scale
/// when it is read, and the scale tensors are removed.
/// </summary>
internal static class ScaledWeights
{
    private const string Weight = ".weight";
    private const string Marker = "scaled_fp8";
    private const string Settings = ".comfy_quant";
    private static readonly string[] Scales = [".scale_weight", ".weight_scale"];

    // Scales of layer inputs, for eight-bit arithmetic; here all layers compute in the run's type.
    private static readonly string[] InputScales = [".scale_input", ".input_scale"];

    /// <summary>Applies the scales to the tensors.</summary>
    /// <param name="origin">The file's name in errors.</param>
    /// <param name="tensors">The stored tensors.</param>
    /// <exception cref="InvalidInputException">A scale is of an unsupported type.</exception>
    public static IReadOnlyDictionary<string, StoredWeight> Apply(string origin, IReadOnlyDictionary<string, StoredWeight> tensors)
    {
        var scales = tensors.Keys.Where(name => LayerOf(name, Scales) is { } layer && tensors.GetValueOrDefault(layer + Weight)?.IsFloating == true).ToList();
        if (scales.Count == 0 && !tensors.Keys.Any(IsMarker))
            return tensors;
        var scaled = new Dictionary<string, StoredWeight>(tensors, StringComparer.Ordinal);
        foreach (var name in scales)
        {
            var layer = LayerOf(name, Scales)!;
            scaled[layer + Weight] = Multiply(origin, name, scaled[layer + Weight], tensors[name]);
            scaled.Remove(name);
            foreach (var input in InputScales)
                scaled.Remove(layer + input);
            if (scaled.Remove(layer + Settings, out var settings))
                RequireKnown(origin, layer + Settings, settings);
        }

        foreach (var marker in tensors.Keys.Where(IsMarker))
            scaled.Remove(marker);
        return scaled;
    }

    private static bool IsMarker(string name) => name == Marker || name.EndsWith("." + Marker, StringComparison.Ordinal);

    private static string? LayerOf(string name, string[] endings) =>
        Array.Find(endings, ending => name.EndsWith(ending, StringComparison.Ordinal)) is { } found ? name[..^found.Length] : null;

    private static StoredWeight Multiply(string origin, string name, StoredWeight weight, StoredWeight scale)
    {
        // One scale for the whole weight, or one per output.
        var isOfRows = scale.Shape.Count > 0 && weight.Shape.Count > 0 && scale.Shape[0] == weight.Shape[0] && scale.Count == weight.Shape[0];
        if (!scale.IsFloating || (scale.Count != 1 && !isOfRows))
        {
            throw new InvalidInputException(
                $"{origin}: the scale \"{name}\" of {scale.Type} [{string.Join(", ", scale.Shape)}] does not match its weight of [{string.Join(", ", weight.Shape)}]. Only one scale per weight or per output is supported.");
        }

        return weight with
        {
            Type = ScalarType.Float32,
            Read = () =>
            {
                using var scope = NewDisposeScope();
                var rows = scale.Read().to(ScalarType.Float32).reshape([-1, .. weight.Shape.Skip(1).Select(_ => 1L)]);
                return (weight.Read().to(ScalarType.Float32) * rows).MoveToOuterDisposeScope();
            },
        };
    }

    private static void RequireKnown(string origin, string name, StoredWeight settings)
    {
        using var scope = NewDisposeScope();
        var bytes = settings.Read().to(ScalarType.Byte).cpu().contiguous().data<byte>().ToArray();
        try
        {
            using var json = JsonDocument.Parse(bytes);
            if (json.RootElement.GetProperty("format").GetString() is "float8_e4m3fn" or "float8_e5m2")
                return;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
        }

        throw new InvalidInputException($"{origin}: \"{name}\" describes an unsupported quantization. Get the model in float16 or float8.");
    }
}
