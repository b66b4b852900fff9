using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>The sizes of a layer of CLIP.</summary>
/// <param name="Width">Width of the tokens.</param>
/// <param name="Inner">Inner width of the feed-forward layer.</param>
/// <param name="Heads">Number of attention heads.</param>
/// <param name="QuickGelu">Whether the feed-forward layer uses the sigmoid approximation of GELU.</param>
/// <param name="NormEpsilon">ε of the layer normalizations.</param>
/// <param name="Causal">Whether a token attends only to those before it, as in text.</param>
internal sealed record ClipLayerShape(int Width, int Inner, int Heads, bool QuickGelu, double NormEpsilon, bool Causal);

/// <summary>A layer of CLIP's text or image encoder: self-attention and a feed-forward layer, each with a residual connection.</summary>
internal sealed class ClipLayer(WeightScope weights, ClipLayerShape shape)
{
    private readonly LayerNorm norm1 = new(weights["layer_norm1"], shape.Width, shape.NormEpsilon);
    private readonly Linear toQuery = new(weights["self_attn"]["q_proj"], shape.Width, shape.Width);
    private readonly Linear toKey = new(weights["self_attn"]["k_proj"], shape.Width, shape.Width);
    private readonly Linear toValue = new(weights["self_attn"]["v_proj"], shape.Width, shape.Width);
    private readonly Linear toOut = new(weights["self_attn"]["out_proj"], shape.Width, shape.Width);
    private readonly LayerNorm norm2 = new(weights["layer_norm2"], shape.Width, shape.NormEpsilon);
    private readonly Linear widen = new(weights["mlp"]["fc1"], shape.Width, shape.Inner);
    private readonly Linear narrow = new(weights["mlp"]["fc2"], shape.Inner, shape.Width);

    /// <summary>[B, tokens, width] → same shape.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var normed = norm1.Forward(x);
        var attended = ScaledDotProduct.Attend(
            SplitHeads(toQuery.Forward(normed)), SplitHeads(toKey.Forward(normed)), SplitHeads(toValue.Forward(normed)), shape.Causal);
        var hidden = x.Plus(toOut.Forward(attended.transpose(1, 2).reshape(x.shape)));
        var wide = widen.Forward(norm2.Forward(hidden));
        return hidden.Plus(narrow.Forward(shape.QuickGelu ? Activations.QuickGelu(wide) : Activations.Gelu(wide))).MoveToOuterDisposeScope();
    }

    private Tensor SplitHeads(Tensor x) => x.view(x.shape[0], x.shape[1], shape.Heads, shape.Width / shape.Heads).transpose(1, 2);
}
