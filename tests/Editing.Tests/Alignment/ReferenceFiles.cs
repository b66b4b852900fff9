using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace PromptToPrompt.Editing.Tests.Alignment;

/// <summary>The recorded alignments, timings and equalizers.</summary>
internal static class ReferenceFiles
{
    private static readonly byte[] Tensors = File.ReadAllBytes(PathOf("aligner.safetensors"));
    private static readonly int Data = 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(Tensors);
    private static readonly JsonElement Header = JsonDocument.Parse(Tensors.AsMemory(8..Data)).RootElement;

    public static JsonElement Aligner { get; } = Json("aligner.json");

    public static JsonElement[] Pairs { get; } = [.. Aligner.GetProperty("pairs").EnumerateArray()];

    public static JsonElement[] Batches { get; } = [.. Aligner.GetProperty("batches").EnumerateArray()];

    public static JsonElement Json(string file) => JsonDocument.Parse(File.ReadAllBytes(PathOf(file))).RootElement;

    /// <summary>The elements of a tensor of <c>aligner.safetensors</c>, row by row.</summary>
    public static T[] Tensor<T>(string name)
        where T : struct
    {
        var offsets = Header.GetProperty(name).GetProperty("data_offsets");
        var bytes = Tensors.AsSpan((Data + offsets[0].GetInt32())..(Data + offsets[1].GetInt32()));
        return MemoryMarshal.Cast<byte, T>(bytes).ToArray();
    }

    private static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "Fixtures", "aligner", file);
}
