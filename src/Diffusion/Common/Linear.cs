using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>An affine map of the last dimension: [..., inputs] → [..., outputs].</summary>
/// <remarks>A 1×1 convolution is the same map; with <paramref name="kernel1x1"/> its [outputs, inputs, 1, 1] weight is read as one.</remarks>
/// <param name="weights">Position of <c>weight</c> and <c>bias</c>.</param>
/// <param name="inputs">Size of the last dimension going in.</param>
/// <param name="outputs">Size of the last dimension coming out.</param>
/// <param name="bias">Whether there is a bias.</param>
/// <param name="kernel1x1">Whether the checkpoint stores a 1×1 convolution.</param>
/// <param name="init">How the weight starts in training.</param>
internal sealed class Linear(
    WeightScope weights, long inputs, long outputs, bool bias = true, bool kernel1x1 = false, WeightInit init = WeightInit.FanIn)
{
    private readonly Tensor weight = kernel1x1
        ? weights.Take("weight", init, inputs, outputs, inputs, 1, 1)
        : weights.Take("weight", init, inputs, outputs, inputs);

    private readonly Tensor? bias = bias ? weights.Take("bias", init, inputs, outputs) : null;

    public Tensor Forward(Tensor x)
    {
        if (!kernel1x1)
            return nn.functional.linear(x, weight, bias);
        using var matrix = weight.view(outputs, inputs);
        return nn.functional.linear(x, matrix, bias);
    }
}
