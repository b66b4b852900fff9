using PromptToPrompt.Diffusion.Common.Cpu;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>2-D convolution. All code must use it instead of libtorch's; an architecture test enforces this.</summary>
/// <remarks>
/// On a CPU, libtorch 2.10 uses oneDNN 3.7 for convolutions. Its blocked layouts hold channels in groups of up to 32 and do not initialize
/// the rest of the last group (uxlfoundation/oneDNN issue 3280, fixed in 3.8.1). On some processors that memory reaches the result as garbage
/// or NaN in outputs and gradients. Therefore no group is ever left incomplete: kernels are padded with zeros to multiples of 32 channels on
/// both sides, inputs likewise, and outputs are narrowed. The zeros add nothing to the sums, and their gradients are dropped. Nearly
/// all convolutions of a full-size model have such channel counts already; only those next to images and latents are padded.
/// </remarks>
internal static class Convolution
{
    private const long Group = 32;

    /// <summary>Convolves a batch.</summary>
    /// <param name="x">[B, inputs, H, W].</param>
    /// <param name="kernel">[outputs, inputs, k, k], or padded by <see cref="Pad(Tensor)"/>.</param>
    /// <param name="bias">[outputs], padded or not; null for none.</param>
    /// <param name="outputs">Channels of the result.</param>
    /// <param name="stride">Step between positions, in pixels.</param>
    /// <param name="padding">Zeros around the image, in pixels.</param>
    /// <returns>[B, outputs, H', W'].</returns>
    public static Tensor Apply(Tensor x, Tensor kernel, Tensor? bias, long outputs, long stride, long padding)
    {
        var (wide, paddedKernel, paddedBias) = (Pad(x, 1), Pad(kernel), bias is null ? null : Pad(bias, 0));
        var y = WinogradConvolution.Suits(wide, paddedKernel, paddedBias, stride, padding)
            ? WinogradConvolution.Apply(wide, paddedKernel, paddedBias)
            : nn.functional.conv2d(wide, paddedKernel, paddedBias, [stride, stride], [padding, padding]);
        if (y.shape[1] == outputs)
            return y;
        // Copied, so that the padded tensor can be freed: next to an image it is ten times as large. In libtorch's own order, so that what follows
        // from latents does not depend on whether they were computed or read from a file.
        using (y)
        using (var narrow = y.narrow(1, 0, outputs))
            return narrow.is_contiguous() ? narrow.clone() : narrow.contiguous();
    }

    /// <summary>Pads a kernel with zeros to whole groups of channels; returns the same tensor if none are missing.</summary>
    /// <param name="kernel">[outputs, inputs, k, k].</param>
    internal static Tensor Pad(Tensor kernel) => Pad(Pad(kernel, 1), 0);

    /// <summary>Pads a tensor with zeros to whole groups along one dimension; returns the same tensor if none are missing.</summary>
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

    /// <summary>Number of zeros that complete the last group along a dimension; 0 on devices other than CPUs, which use other kernels.</summary>
    internal static long Missing(Tensor tensor, int dimension) =>
        tensor.device_type == DeviceType.CPU ? (Group - (tensor.shape[dimension] % Group)) % Group : 0;
}
