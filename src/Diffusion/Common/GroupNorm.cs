using PromptToPrompt.Diffusion.Common.Cpu;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>Group normalization over [B, channels, ...].</summary>
internal sealed class GroupNorm(WeightScope weights, long channels, long groups, double epsilon)
{
    private readonly Tensor weight = weights.Take("weight", WeightInit.Ones, channels, channels);
    private readonly Tensor bias = weights.Take("bias", WeightInit.Zeros, channels, channels);

    public Tensor Forward(Tensor x) => Apply(x, weight, bias, groups, epsilon, silu: false);

    /// <summary>The normalization, then x·σ(x).</summary>
    public Tensor ForwardSilu(Tensor x) => Apply(x, weight, bias, groups, epsilon, silu: true);

    /// <summary>Normalizes the groups of a batch of feature maps.</summary>
    /// <param name="x">[B, channels, ...].</param>
    /// <param name="weight">[channels].</param>
    /// <param name="bias">[channels].</param>
    /// <param name="groups">Number of groups of adjacent channels.</param>
    /// <param name="epsilon">Added to the variances.</param>
    /// <param name="silu">Whether x·σ(x) follows.</param>
    internal static Tensor Apply(Tensor x, Tensor weight, Tensor bias, long groups, double epsilon, bool silu)
    {
        if (GroupNormKernel.Suits(x, weight, bias, groups))
            return GroupNormKernel.Apply(x, weight, bias, (int)groups, epsilon, silu);
        var normed = nn.functional.group_norm(x, groups, weight, bias, epsilon);
        if (!silu)
            return normed;
        var activated = Activations.Silu(normed);
        if (!ReferenceEquals(activated, normed))
            normed.Dispose();
        return activated;
    }
}
