using PromptToPrompt.Diffusion.Common.Cpu;
using PromptToPrompt.Diffusion.Native;
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
    /// <param name="kernel">[outputs, inputs, k, k], or padded by <see cref="Pad(Tensor)"/>. It may be of a narrower type (<see cref="Precision"/>).</param>
    /// <param name="bias">[outputs], padded or not; null for none.</param>
    /// <param name="outputs">Channels of the result.</param>
    /// <param name="stride">Step between positions, in pixels.</param>
    /// <param name="padding">Zeros around the image, in pixels.</param>
    /// <returns>[B, outputs, H', W'].</returns>
    public static Tensor Apply(Tensor x, Tensor kernel, Tensor? bias, long outputs, long stride, long padding)
    {
        var (paddedInput, paddedKernel, paddedBias) = (Pad(x, 1), Pad(kernel), bias is null ? null : Pad(bias, 0));
        var y = WinogradConvolution.Suits(paddedInput, paddedKernel, paddedBias, stride, padding)
            ? WinogradConvolution.Apply(paddedInput, paddedKernel, paddedBias)
            : Direct(paddedInput, paddedKernel, paddedBias, stride, padding);
        if (y.shape[1] == outputs)
            return y;
        // Copied, so that the padded tensor can be freed: next to an image it is ten times as large. In libtorch's own order, so that what follows
        // from latents does not depend on whether they were computed or read from a file.
        using (y)
        using (var narrow = y.narrow(1, 0, outputs))
            return narrow.is_contiguous() ? narrow.clone() : narrow.contiguous();
    }

    private static Tensor Direct(Tensor x, Tensor kernel, Tensor? bias, long stride, long padding)
    {
        if (kernel.dtype == x.dtype)
            return nn.functional.conv2d(x, kernel, bias, [stride, stride], [padding, padding]);
        if (bias is not null && ChannelsLast.NeedsGradient(bias))
        {
            using var scope = NewDisposeScope();
            return Direct(x, kernel, bias: null, stride, padding).Plus(bias.view(1, -1, 1, 1)).MoveToOuterDisposeScope();
        }

        var weights = new Weights(kernel, bias, stride, padding);
        return ChannelsLast.NeedsGradient(x) ? Widened.apply(x, weights) : Widen(x, weights);
    }

    private static Tensor Widen(Tensor x, Weights weights)
    {
        using var wide = Precision.Widen(weights.Kernel, x.dtype);
        return nn.functional.conv2d(x, wide, weights.Bias, [weights.Stride, weights.Stride], [weights.Padding, weights.Padding]);
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

    // The gradient of the input: the convolution from the outputs back to the inputs.
    private static Tensor OfInput(Tensor gradient, Tensor kernel, (long Stride, long Padding, long Height, long Width) of)
    {
        using var wide = Precision.Widen(kernel, gradient.dtype);
        // A stride maps several input sizes to one output size.
        long[] rest = [Rest(of.Height, 2), Rest(of.Width, 3)];
        return nn.functional.conv_transpose2d(gradient, wide, null, [of.Stride, of.Stride], [of.Padding, of.Padding], rest);

        long Rest(long input, int side) => input - ((gradient.shape[side] - 1) * of.Stride) + (2 * of.Padding) - kernel.shape[side];
    }

    private sealed record Weights(Tensor Kernel, Tensor? Bias, long Stride, long Padding);

    /// <summary>
    /// The convolution with a kernel of a narrower type than the input's. A node of its own in an autograd graph, which otherwise would keep the widened
    /// kernel until the gradient is computed.
    /// </summary>
    private sealed class Widened : autograd.SingleTensorFunction<Widened>
    {
        private const string Settings = "settings";

        public override string Name => nameof(Convolution);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (x, weights) = ((Tensor)vars[0], (Weights)vars[1]);
            ctx.save_for_backward([weights.Kernel]);
            ctx.save_data(Settings, (weights.Stride, weights.Padding, x.shape[2], x.shape[3]));
            return Widen(x, weights);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var settings = ((long, long, long, long))ctx.get_data(Settings);
            using var kernel = ctx.get_saved_variables()[0];
            using (grad_output)
                return [OfInput(grad_output, kernel, settings), null!];
        }
    }
}
