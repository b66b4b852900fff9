using System.Text.Json;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>
/// Weights of eight bits that are to be multiplied by a scale of their own, which tools store beside them, under several names. The product is
/// taken while a weight is read, and the scales are no tensors of the model any more.
/// </summary>
internal static class ScaledWeights
{
    private const string Weight = ".weight";
    private const string Marker = "scaled_fp8";
    private const string Settings = ".comfy_quant";
    private static readonly string[] Scales = [".scale_weight", ".weight_scale"];

    // Scales of what a layer is given, for arithmetic in eight bits; here layers compute in the run's type.
    private static readonly string[] InputScales = [".scale_input", ".input_scale"];

    /// <summary>The tensors with their scales applied.</summary>
    /// <param name="origin">What errors call the file.</param>
    /// <param name="tensors">The tensors as they are stored.</param>
    /// <exception cref="InvalidInputException">A scale is of a kind that is not known.</exception>
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
        // One for the whole, or one for each output.
        var isOfRows = scale.Shape.Count > 0 && weight.Shape.Count > 0 && scale.Shape[0] == weight.Shape[0] && scale.Count == weight.Shape[0];
        if (!scale.IsFloating || (scale.Count != 1 && !isOfRows))
        {
            throw new InvalidInputException(
                $"{origin}: the scale \"{name}\" of {scale.Type} [{string.Join(", ", scale.Shape)}] does not fit its weight of [{string.Join(", ", weight.Shape)}]; only one scale for a weight or for each of its outputs is supported.");
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

        throw new InvalidInputException($"{origin}: \"{name}\" says how a weight was quantised, in a way that is not supported; get the model in float16 or float8.");
    }
}
