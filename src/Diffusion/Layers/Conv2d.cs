using PromptToPrompt.Diffusion.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Layers;

/// <summary>A square 2-D convolution, [B, inputs, H, W] → [B, outputs, H', W'].</summary>
internal sealed class Conv2d(
    WeightScope weights, long inputs, long outputs, int kernel, int stride = 1, int padding = 0, WeightInit init = WeightInit.FanIn)
{
    private readonly Tensor weight = weights.Take("weight", init, inputs * kernel * kernel, outputs, inputs, kernel, kernel);
    private readonly Tensor bias = weights.Take("bias", init, inputs * kernel * kernel, outputs);
    private readonly long[] strides = [stride, stride];
    private readonly long[] paddings = [padding, padding];

    public Tensor Forward(Tensor x) => nn.functional.conv2d(x, weight, bias, strides, paddings);
}
