using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>An element type of the safetensors format.</summary>
/// <param name="Name">Its name in headers.</param>
/// <param name="Type">Type of its elements when read.</param>
/// <param name="Size">Bytes per element in the file.</param>
/// <param name="Packing">The eight-bit floating-point format; null for other types.</param>
internal sealed record SafetensorsType(string Name, ScalarType Type, int Size, Float8? Packing = null);

/// <summary>The supported element types of the safetensors format: those that TorchSharp has, and eight-bit floats.</summary>
internal static class SafetensorsTypes
{
    private static readonly SafetensorsType[] All =
    [
        new("F64", ScalarType.Float64, 8),
        new("F32", ScalarType.Float32, 4),
        new("F16", ScalarType.Float16, 2),
        new("BF16", ScalarType.BFloat16, 2),
        new("I64", ScalarType.Int64, 8),
        new("I32", ScalarType.Int32, 4),
        new("I16", ScalarType.Int16, 2),
        new("I8", ScalarType.Int8, 1),
        new("U8", ScalarType.Byte, 1),
        new("BOOL", ScalarType.Bool, 1),
        // After F16, so that float16 is written as F16.
        new("F8_E4M3", ScalarType.Float16, 1, Float8.E4M3),
        new("F8_E5M2", ScalarType.Float16, 1, Float8.E5M2),
    ];

    /// <summary>The names, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(type => type.Name));

    /// <summary>The type with a given name in headers; null if it is not supported.</summary>
    public static SafetensorsType? Parse(string? name) => Array.Find(All, type => type.Name == name);

    /// <summary>The name of a type in headers; null if the format does not have it.</summary>
    public static string? Name(ScalarType type) => Array.Find(All, known => known.Type == type)?.Name;

    /// <summary>Bytes per element of a supported type.</summary>
    public static int Size(ScalarType type) => Array.Find(All, known => known.Type == type)!.Size;
}
