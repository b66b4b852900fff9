using PromptToPrompt.Diffusion.Common.Cpu;
using PromptToPrompt.Diffusion.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>The product of linear layers, [..., inputs] → [..., outputs], by the library that is faster on this machine (<see cref="LinearKernels"/>).</summary>
internal static class LinearProduct
{
    // A convolution rearranges its matrix each time, which pays off only over many rows. The measurement begins here, too.
    private const long FewestRows = 256;

    // Where libtorch has one thread, it leaves 1×1 convolutions of fewer images to its own kernel, which calls MKL.
    private const long Images = 16;

    /// <summary>Multiplies.</summary>
    /// <param name="x">[..., inputs].</param>
    /// <param name="matrix">[outputs, inputs]; frozen if of a narrower type (<see cref="Precision"/>).</param>
    /// <param name="bias">[outputs]; null for none.</param>
    public static Tensor Apply(Tensor x, Tensor matrix, Tensor? bias = null) =>
        matrix.dtype == x.dtype ? ByLibrary(x, matrix, bias)
        : ChannelsLast.NeedsGradient(x) ? Widened.apply(x, new Weights(matrix, bias))
        : Widen(x, matrix, bias);

    private static Tensor Widen(Tensor x, Tensor matrix, Tensor? bias)
    {
        using var wide = Precision.Widen(matrix, x.dtype);
        return ByLibrary(x, wide, bias);
    }

    private static Tensor ByLibrary(Tensor x, Tensor matrix, Tensor? bias) =>
        LinearKernels.Library == LinearLibrary.OneDnn && IsSuited(x, matrix) ? ByConvolution(x, matrix, bias) : nn.functional.linear(x, matrix, bias);

    /// <summary>
    /// The product as a 1×1 convolution of images that are one pixel wide, whose channels lie next to each other in memory. Neither side is copied.
    /// </summary>
    /// <param name="x">[..., inputs], a multiple of 16 rows.</param>
    /// <param name="matrix">[outputs, inputs].</param>
    /// <param name="bias">[outputs]; null for none.</param>
    internal static Tensor ByConvolution(Tensor x, Tensor matrix, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var (outputs, inputs) = (matrix.shape[0], matrix.shape[1]);
        var pixels = x.reshape(Images, -1, 1, inputs).permute(0, 3, 1, 2);
        var y = Convolution.Apply(pixels, matrix.view(outputs, inputs, 1, 1), bias, outputs, stride: 1, padding: 0);
        return y.permute(0, 2, 3, 1).reshape([.. x.shape[..^1], outputs]).MoveToOuterDisposeScope();
    }

    // Other types and devices have one library. Channels that fill no whole group would be padded (see Convolution). The gradient of a matrix in training
    // was not measured.
    private static bool IsSuited(Tensor x, Tensor matrix)
    {
        if (x.dtype != ScalarType.Float32 || x.device_type != DeviceType.CPU)
            return false;
        var rows = x.numel() / matrix.shape[1];
        return rows >= FewestRows && rows % Images == 0
            && Convolution.Missing(matrix, 0) == 0 && Convolution.Missing(matrix, 1) == 0 && !matrix.requires_grad;
    }

    private sealed record Weights(Tensor Matrix, Tensor? Bias);

    /// <summary>
    /// The product with a matrix of a narrower type than the input's. A node of its own in an autograd graph, which otherwise would keep the widened matrix
    /// until the gradient is computed.
    /// </summary>
    private sealed class Widened : autograd.SingleTensorFunction<Widened>
    {
        public override string Name => nameof(LinearProduct);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (x, weights) = ((Tensor)vars[0], (Weights)vars[1]);
            ctx.save_for_backward([weights.Matrix]);
            // Not a view, as a product by convolution is: autograd forbids in-place operations on a view that a custom node returns.
            using var product = Widen(x, weights.Matrix, weights.Bias);
            return product.detach();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using var matrix = ctx.get_saved_variables()[0];
            using var wide = Precision.Widen(matrix, grad_output.dtype);
            using (grad_output)
                return [matmul(grad_output, wide), null!];
        }
    }
}
