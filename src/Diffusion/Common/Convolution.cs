using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>2-D convolution. Nothing else calls libtorch's, which a test of the architecture holds.</summary>
/// <remarks>
/// On a CPU, libtorch 2.10 hands convolutions to oneDNN 3.7, whose blocked layouts hold channels in groups of up to 32 and leave the rest of the
/// last group as it was in memory (uxlfoundation/oneDNN issue 3280, fixed in 3.8.1). On some processors that rest reaches the result: garbage or
/// NaN in outputs and gradients, depending on what lay in memory before. So no group is ever left incomplete here: kernels are padded with zeros
/// to multiples of 32 channels on both sides, inputs likewise, and outputs narrowed. Zeros add nothing to a sum, and their gradients are dropped.
/// Nearly every convolution of a full-size model has such channels anyway; the padded ones are those next to pictures and latents.
/// </remarks>
internal static class Convolution
{
    private const long Group = 32;

    /// <summary>Convolves a batch.</summary>
    /// <param name="x">[B, inputs, H, W].</param>
    /// <param name="kernel">[outputs, inputs, k, k], or as <see cref="Pad(Tensor)"/> returns it.</param>
    /// <param name="bias">[outputs], padded or not; null for none.</param>
    /// <param name="outputs">Channels of the result.</param>
    /// <param name="stride">Step between positions, in pixels.</param>
    /// <param name="padding">Zeros around the picture, in pixels.</param>
    /// <returns>[B, outputs, H', W'].</returns>
    public static Tensor Apply(Tensor x, Tensor kernel, Tensor? bias, long outputs, long stride, long padding)
    {
        var y = nn.functional.conv2d(Pad(x, 1), Pad(kernel), bias is null ? null : Pad(bias, 0), [stride, stride], [padding, padding]);
        if (y.shape[1] == outputs)
            return y;
        // A copy, so that the wide one need not live as long: next to a picture it is ten times as large.
        using (y)
            return y.narrow(1, 0, outputs).clone();
    }

    /// <summary>A kernel with zeros up to whole groups of channels; the same tensor where nothing is missing.</summary>
    /// <param name="kernel">[outputs, inputs, k, k].</param>
    internal static Tensor Pad(Tensor kernel) => Pad(Pad(kernel, 1), 0);

    /// <summary>A tensor with zeros up to whole groups along one dimension; the same tensor where nothing is missing.</summary>
    internal static Tensor Pad(Tensor tensor, int dimension)
    {
        var missing = Missing(tensor, dimension);
        if (missing == 0)
            return tensor;
        // Pairs (before, after) from the last dimension to this one.
        var sides = new long[2 * (tensor.dim() - dimension)];
        sides[^1] = missing;
        return nn.functional.pad(tensor, sides);
    }

    /// <summary>How many zeros complete the last group along one dimension. Other devices than CPUs have kernels of their own, and the meta device has none.</summary>
    internal static long Missing(Tensor tensor, int dimension) =>
        tensor.device_type == DeviceType.CPU ? (Group - (tensor.shape[dimension] % Group)) % Group : 0;
}
