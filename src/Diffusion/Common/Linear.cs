using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>An affine map of the last dimension: [..., inputs] → [..., outputs].</summary>
/// <remarks>With <paramref name="kernel1x1"/>, the weight is stored as an equivalent 1×1 convolution, [outputs, inputs, 1, 1].</remarks>
/// <param name="weights">Scope of <c>weight</c> and <c>bias</c>.</param>
/// <param name="inputs">Size of the input's last dimension.</param>
/// <param name="outputs">Size of the output's last dimension.</param>
/// <param name="bias">Whether the map has a bias.</param>
/// <param name="kernel1x1">Whether the checkpoint stores a 1×1 convolution.</param>
/// <param name="init">Initialization of the weight for training.</param>
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
