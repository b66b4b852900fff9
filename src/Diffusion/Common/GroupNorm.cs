using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>Group normalization over [B, channels, ...].</summary>
internal sealed class GroupNorm(WeightScope weights, long channels, long groups, double epsilon)
{
    private readonly Tensor weight = weights.Take("weight", WeightInit.Ones, channels, channels);
    private readonly Tensor bias = weights.Take("bias", WeightInit.Zeros, channels, channels);

    public Tensor Forward(Tensor x) => nn.functional.group_norm(x, groups, weight, bias, epsilon);
}
