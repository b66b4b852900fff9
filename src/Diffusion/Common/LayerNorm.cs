using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>Layer normalization over the last dimension.</summary>
internal sealed class LayerNorm(WeightScope weights, long channels, double epsilon)
{
    private readonly Tensor weight = weights.Take("weight", WeightInit.Ones, channels, channels);
    private readonly Tensor bias = weights.Take("bias", WeightInit.Zeros, channels, channels);
    private readonly long[] shape = [channels];

    public Tensor Forward(Tensor x) => nn.functional.layer_norm(x, shape, weight, bias, epsilon);
}
