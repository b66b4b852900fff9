using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>One tensor of a safetensors file, as its header describes it.</summary>
/// <param name="DType">The type that its elements are read as; float16 for those of eight bits.</param>
/// <param name="Shape">Its shape; empty for a single number.</param>
/// <param name="Offset">Where its data begins, in bytes from the start of the file.</param>
/// <param name="Length">Length of its data in bytes.</param>
internal sealed record SafetensorsEntry(ScalarType DType, long[] Shape, long Offset, long Length)
{
    /// <summary>The format of eight-bit floating-point numbers; null for others.</summary>
    internal Float8? Packing { get; init; }
}
