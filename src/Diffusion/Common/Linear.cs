using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>An affine map of the last dimension: [..., inputs] → [..., outputs].</summary>
internal sealed class Linear
{
    private readonly long inputs;
    private readonly long outputs;
    private readonly Tensor weight;
    private readonly Tensor? matrix;
    private readonly Tensor? bias;

    /// <summary>Takes the map's weights.</summary>
    /// <param name="weights">Scope of <c>weight</c> and <c>bias</c>.</param>
    /// <param name="inputs">Size of the input's last dimension.</param>
    /// <param name="outputs">Size of the output's last dimension.</param>
    /// <param name="bias">Whether the map has a bias.</param>
    /// <param name="kernel1x1">Whether the checkpoint stores an equivalent 1×1 convolution, [outputs, inputs, 1, 1].</param>
    /// <param name="init">Initialization of the weight for training.</param>
    public Linear(WeightScope weights, long inputs, long outputs, bool bias = true, bool kernel1x1 = false, WeightInit init = WeightInit.FanIn)
    {
        (this.inputs, this.outputs) = (inputs, outputs);
        weight = kernel1x1 ? weights.TakeMatrix("weight", init, inputs, outputs, inputs, 1, 1) : weights.TakeMatrix("weight", init, inputs, outputs, inputs);
        matrix = kernel1x1 ? weights.Keep(() => weight.view(outputs, inputs)) : weight;
        this.bias = bias ? weights.Take("bias", init, inputs, outputs) : null;
    }

    public Tensor Forward(Tensor x)
    {
        if (matrix is not null)
            return LinearProduct.Apply(x, matrix, bias);
        using var view = weight.view(outputs, inputs);
        return LinearProduct.Apply(x, view, bias);
    }
}
