using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// A loss for crisp edges: the difference of the horizontal and vertical gradients of two images, at several scales,
/// <code>Σₛ mean|∂ₓ(aₛ − bₛ)| + mean|∂ᵧ(aₛ − bₛ)|</code>
/// where aₛ and bₛ are the images averaged over blocks of 1, 2 and 4 pixels. A blurred edge has the right colors nearly everywhere, and
/// squared error hardly sees it; its gradients are wrong by as much as the edge is high.
/// </summary>
internal static class EdgeLoss
{
    private const int Scales = 3;

    /// <summary>The loss of an image, as a scalar.</summary>
    /// <param name="difference">Image minus its original, [B, 3, H, W] float32; gradients and averages are linear.</param>
    public static Tensor Of(Tensor difference)
    {
        using var scope = NewDisposeScope();
        var (total, d) = (Gradients(difference), difference);
        for (var scale = 1; scale < Scales; scale++)
        {
            d = nn.functional.avg_pool2d(d, 2);
            total = total.Plus(Gradients(d));
        }

        return total.MoveToOuterDisposeScope();
    }

    private static Tensor Gradients(Tensor d) => Along(d, 2).abs().mean().Plus(Along(d, 3).abs().mean());

    private static Tensor Along(Tensor d, int dimension) =>
        d.narrow(dimension, 1, d.shape[dimension] - 1) - d.narrow(dimension, 0, d.shape[dimension] - 1);
}
