using PromptToPrompt.Diffusion.Common.Cpu;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>Group normalization over [B, channels, ...].</summary>
internal sealed class GroupNorm(WeightScope weights, long channels, long groups, double epsilon)
{
    private readonly Tensor weight = weights.Take("weight", WeightInit.Ones, channels, channels);
    private readonly Tensor bias = weights.Take("bias", WeightInit.Zeros, channels, channels);

    public Tensor Forward(Tensor x) => GroupNormKernel.Suits(x, weight, bias)
        ? GroupNormKernel.Apply(x, weight, bias, (int)groups, epsilon, silu: false)
        : nn.functional.group_norm(x, groups, weight, bias, epsilon);

    /// <summary>The normalization, then x·σ(x).</summary>
    public Tensor ForwardSilu(Tensor x)
    {
        if (GroupNormKernel.Suits(x, weight, bias))
            return GroupNormKernel.Apply(x, weight, bias, (int)groups, epsilon, silu: true);
        var normed = nn.functional.group_norm(x, groups, weight, bias, epsilon);
        var activated = Activations.Silu(normed);
        if (!ReferenceEquals(activated, normed))
            normed.Dispose();
        return activated;
    }
}
