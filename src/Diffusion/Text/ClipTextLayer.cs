using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>Causal self-attention and a feed-forward layer, each with a residual connection.</summary>
internal sealed class ClipTextLayer(WeightScope weights, ClipTextConfig config)
{
    private readonly LayerNorm norm1 = new(weights["layer_norm1"], config.HiddenSize, config.NormEpsilon);
    private readonly Linear toQuery = new(weights["self_attn"]["q_proj"], config.HiddenSize, config.HiddenSize);
    private readonly Linear toKey = new(weights["self_attn"]["k_proj"], config.HiddenSize, config.HiddenSize);
    private readonly Linear toValue = new(weights["self_attn"]["v_proj"], config.HiddenSize, config.HiddenSize);
    private readonly Linear toOut = new(weights["self_attn"]["out_proj"], config.HiddenSize, config.HiddenSize);
    private readonly LayerNorm norm2 = new(weights["layer_norm2"], config.HiddenSize, config.NormEpsilon);
    private readonly Linear widen = new(weights["mlp"]["fc1"], config.HiddenSize, config.IntermediateSize);
    private readonly Linear narrow = new(weights["mlp"]["fc2"], config.IntermediateSize, config.HiddenSize);

    /// <summary>[B, tokens, width] → same shape.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var normed = norm1.Forward(x);
        var attended = ScaledDotProduct.Attend(
            SplitHeads(toQuery.Forward(normed)), SplitHeads(toKey.Forward(normed)), SplitHeads(toValue.Forward(normed)), causal: true);
        var hidden = x.Plus(toOut.Forward(attended.transpose(1, 2).reshape(x.shape)));
        var wide = widen.Forward(norm2.Forward(hidden));
        return hidden.Plus(narrow.Forward(config.QuickGelu ? Activations.QuickGelu(wide) : Activations.Gelu(wide))).MoveToOuterDisposeScope();
    }

    private Tensor SplitHeads(Tensor x) => x.view(x.shape[0], x.shape[1], config.Heads, config.HiddenSize / config.Heads).transpose(1, 2);
}
