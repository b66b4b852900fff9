using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>A square 2-D convolution, [B, inputs, H, W] → [B, outputs, H', W'].</summary>
internal sealed class Conv2d
{
    private readonly Tensor weight;
    private readonly Tensor bias;
    private readonly long outputs;
    private readonly int stride;
    private readonly int padding;

    public Conv2d(
        WeightScope weights, long inputs, long outputs, int kernel, int stride = 1, int padding = 0, WeightInit init = WeightInit.FanIn)
    {
        weight = weights.TakeMatrix("weight", init, inputs * kernel * kernel, outputs, inputs, kernel, kernel);
        bias = weights.Take("bias", init, inputs * kernel * kernel, outputs);
        (this.outputs, this.stride, this.padding) = (outputs, stride, padding);
        var (missingOutputs, missingInputs) = (Convolution.Missing(weight, 0), Convolution.Missing(weight, 1));
        if (missingOutputs > 0 || missingInputs > 0)
            weight = weights.Keep(() => Convolution.Pad(weight)) ?? weight;
        if (missingOutputs > 0)
            bias = weights.Keep(() => Convolution.Pad(bias, 0)) ?? bias;
    }

    public Tensor Forward(Tensor x) => Convolution.Apply(x, weight, bias, outputs, stride, padding);

    /// <summary>With another bias in place of its own, [outputs]; null for none.</summary>
    public Tensor Forward(Tensor x, Tensor? otherBias) => Convolution.Apply(x, weight, otherBias, outputs, stride, padding);

    /// <summary>Its bias plus something for each output channel, [..., outputs].</summary>
    public Tensor BiasPlus(Tensor more) => bias.shape[0] == outputs ? more.Plus(bias) : more.Plus(bias.narrow(0, 0, outputs));
}
