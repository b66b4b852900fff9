using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>One tensor of a safetensors file, from its header.</summary>
/// <param name="DType">Type of its elements when read; float16 for eight-bit floats.</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Offset">Start of its data, in bytes from the start of the file.</param>
/// <param name="Length">Length of its data in bytes.</param>
internal sealed record SafetensorsEntry(ScalarType DType, long[] Shape, long Offset, long Length)
{
    /// <summary>The stored eight-bit floating-point format; null for other types.</summary>
    internal Float8? Packing { get; init; }
}
