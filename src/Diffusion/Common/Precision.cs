using PromptToPrompt.Diffusion.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>
/// The types of a network's numbers. Matrices and convolution kernels, nearly all of a model's memory, may be stored in a narrower type than that of
/// the arithmetic. Each product then widens its own, which is exact and adds a few percent to its time. The other weights and all feature maps have
/// the type of the arithmetic.
/// </summary>
/// <param name="Weights">Type of the stored matrices and convolution kernels.</param>
/// <param name="Arithmetic">Type of the computation.</param>
internal readonly record struct Precision(ScalarType Weights, ScalarType Arithmetic)
{
    /// <summary>Float32 throughout.</summary>
    public static Precision Single => new(ScalarType.Float32, ScalarType.Float32);

    /// <summary>
    /// The types on a device for weights of a type. No CPU has arithmetic in float16, and many have none in bfloat16; libtorch's substitutes for it are
    /// tens of times slower than float32.
    /// </summary>
    public static Precision On(Device device, ScalarType weights) => new(
        weights,
        device.type == DeviceType.CPU && (weights == ScalarType.Float16 || (weights == ScalarType.BFloat16 && !LibTorch.HasBFloat16Arithmetic)) ? ScalarType.Float32 : weights);

    /// <summary>Identifies the types in files, such as <c>Float32</c> or <c>Float16 weights, Float32</c>.</summary>
    public string Identity => Weights == Arithmetic ? $"{Arithmetic}" : $"{Weights} weights, {Arithmetic}";

    /// <summary>Whether the weights have a narrower type than the arithmetic.</summary>
    public bool HasNarrowWeights => Weights != Arithmetic;

    /// <summary>A copy of a frozen weight in a wider type.</summary>
    /// <exception cref="InvalidOperationException">The type is not wider, or the weight is trained: its gradient would be lost.</exception>
    public static Tensor Widen(Tensor weight, ScalarType type)
    {
        var wide = weight.to(type);
        if (wide.element_size() > weight.element_size() && !weight.requires_grad)
            return wide;
        wide.Dispose();
        throw new InvalidOperationException($"A weight of type {weight.dtype}{(weight.requires_grad ? " that is trained" : "")} cannot be used for a computation in {type}.");
    }
}
