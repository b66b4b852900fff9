using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// Judges whether patches of an image are drawn or decoded: the PatchGAN of pix2pix (Isola et al., arXiv 1611.07004, §3.2), with group
/// instead of batch normalization, so that images of a batch do not affect each other. It exists only during training.
/// </summary>
internal sealed class PatchDiscriminator
{
    private const int Width = 32;
    private const int Groups = 8;

    private readonly Layer[] layers;
    private readonly Conv2d output;

    /// <summary>Takes its weights.</summary>
    public PatchDiscriminator(WeightScope weights)
    {
        layers = [.. Enumerable.Range(0, 3).Select(i => new Layer(weights["layers"][i], i == 0 ? 3 : Width << (i - 1), Width << i, isNormed: i > 0))];
        output = new Conv2d(weights["output"], Width << 2, 1, 4, padding: 1);
    }

    /// <summary>[B, 3, H, W] in −1…1 → a score for each patch of 46×46 pixels, [B, 1, h, w] float32: above 0 for drawn.</summary>
    public Tensor Forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return output.Forward(layers.Aggregate(pixels, (x, layer) => layer.Forward(x))).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private sealed class Layer(WeightScope weights, int inputs, int outputs, bool isNormed)
    {
        private readonly Conv2d conv = new(weights["conv"], inputs, outputs, 4, stride: 2, padding: 1);
        private readonly GroupNorm? norm = isNormed ? new(weights["norm"], outputs, Groups, 1e-6) : null;

        public Tensor Forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var convolved = conv.Forward(x);
            var hidden = norm?.Forward(convolved) ?? convolved;
            // A leaky ReLU.
            return maximum(hidden, hidden * Scalar(0.2)).MoveToOuterDisposeScope();
        }
    }
}
