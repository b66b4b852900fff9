using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>The element types of the safetensors format that have a counterpart in TorchSharp.</summary>
internal static class SafetensorsTypes
{
    private static readonly (string Name, ScalarType Type, int Size)[] All =
    [
        ("F64", ScalarType.Float64, 8),
        ("F32", ScalarType.Float32, 4),
        ("F16", ScalarType.Float16, 2),
        ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8),
        ("I32", ScalarType.Int32, 4),
        ("I16", ScalarType.Int16, 2),
        ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1),
        ("BOOL", ScalarType.Bool, 1),
    ];

    /// <summary>The names, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(type => type.Name));

    /// <summary>The type of that name in the header, or null where it is not supported.</summary>
    public static ScalarType? Parse(string? name)
    {
        var index = Array.FindIndex(All, type => type.Name == name);
        return index < 0 ? null : All[index].Type;
    }

    /// <summary>The header's name of a type, or null where the format has none.</summary>
    public static string? Name(ScalarType type) => Array.Find(All, known => known.Type == type).Name;

    /// <summary>Bytes per element of a supported type.</summary>
    public static int Size(ScalarType type) => Array.Find(All, known => known.Type == type).Size;
}
