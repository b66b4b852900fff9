using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Vae;

/// <summary>Single-head self-attention over the positions of a feature map, with a residual connection.</summary>
internal sealed class AutoencoderAttention(WeightScope weights, int channels, int groups)
{
    private readonly GroupNorm norm = new(weights["group_norm"], channels, groups, AutoencoderStages.Epsilon);
    private readonly Linear toQuery = Named(weights, "to_q", "query", channels);
    private readonly Linear toKey = Named(weights, "to_k", "key", channels);
    private readonly Linear toValue = Named(weights, "to_v", "value", channels);
    private readonly Linear toOut = Named(weights, "to_out.0", "proj_attn", channels);

    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var hidden = norm.Forward(x).flatten(2).transpose(1, 2).contiguous();
        var attended = ScaledDotProduct.Attend(
            toQuery.Forward(hidden).unsqueeze(1), toKey.Forward(hidden).unsqueeze(1), toValue.Forward(hidden).unsqueeze(1));
        return toOut.Forward(attended.squeeze(1)).transpose(1, 2).reshape(x.shape).Plus(x).MoveToOuterDisposeScope();
    }

    // Checkpoints from before diffusers 0.18 use the older names, and the oldest store these maps as 1×1 convolutions. One old name
    // selects all four, so that the error for a missing weight follows the naming of the rest of the file.
    private static Linear Named(WeightScope weights, string name, string oldName, int channels)
    {
        var isOld = weights.Has("query.weight") || weights.Has("key.weight") || weights.Has("value.weight") || weights.Has("proj_attn.weight");
        var scope = weights[isOld ? oldName : name];
        return new Linear(scope, channels, channels, kernel1x1: scope.Rank("weight") == 4);
    }
}
