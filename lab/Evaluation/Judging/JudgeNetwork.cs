using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Evaluation.Judging;

/// <summary>A small convolutional network with shared layers and one output layer per slot.</summary>
internal sealed class JudgeNetwork(WeightScope weights)
{
    /// <summary>Input side in pixels; images of other sizes are resized.</summary>
    public const int Side = 64;

    private const int Groups = 8;

    // Width and stride of each convolution.
    private static readonly (int Channels, int Stride)[] Levels = [(24, 2), (48, 2), (64, 1), (96, 2), (128, 1), (128, 2)];

    private readonly Layer[] layers =
    [
        .. Levels.Select((level, i) => new Layer(weights["layers"][i], i == 0 ? 3 : Levels[i - 1].Channels, level.Channels, level.Stride)),
    ];

    private readonly Head[] heads = [.. Slots.All.Select(slot => new Head(weights["heads"][NameOf(slot)], 2 * Levels[^1].Channels, Slots.Count(slot)))];

    /// <summary>Scores of each slot's values before the softmax, [B, values] each, in the order of <see cref="Slots.All"/>.</summary>
    /// <param name="pixels">[B, 3, any, any] in −1…1.</param>
    public Tensor[] Forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var x = Resize(pixels);
        foreach (var layer in layers)
            x = layer.Forward(x);
        // A small subject shows in the maximum response, weather and style in the average one.
        var seen = cat([x.mean([2, 3]), x.amax([2, 3])], 1);
        return [.. heads.Select(head => head.Forward(seen).to(ScalarType.Float32).MoveToOuterDisposeScope())];
    }

    private static Tensor Resize(Tensor pixels) =>
        pixels.shape[2] == Side && pixels.shape[3] == Side ? pixels : nn.functional.adaptive_avg_pool2d(pixels, [Side, Side]);

    private sealed class Layer(WeightScope weights, int inputs, int outputs, int stride)
    {
        private readonly Tensor kernel = weights.Take("weight", WeightInit.FanIn, inputs * 9, outputs, inputs, 3, 3);
        private readonly Tensor gain = weights.Take("norm.weight", WeightInit.Ones, outputs, outputs);
        private readonly Tensor shift = weights.Take("norm.bias", WeightInit.Zeros, outputs, outputs);

        public Tensor Forward(Tensor x)
        {
            using var convolved = Convolution.Apply(x, kernel, null, outputs, stride, padding: 1);
            using var normed = nn.functional.group_norm(convolved, Groups, gain, shift, 1e-5);
            return nn.functional.silu(normed);
        }
    }

    // The trained weights have this spelling.
    private static string NameOf(Slot slot) => slot == Slot.Color ? "colour" : slot.ToString().ToLowerInvariant();

    private sealed class Head(WeightScope weights, int inputs, int outputs)
    {
        private readonly Tensor matrix = weights.Take("weight", WeightInit.FanIn, inputs, outputs, inputs);
        private readonly Tensor bias = weights.Take("bias", WeightInit.Zeros, inputs, outputs);

        public Tensor Forward(Tensor x) => nn.functional.linear(x, matrix, bias);
    }
}
