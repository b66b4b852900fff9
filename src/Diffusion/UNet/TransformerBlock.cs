using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>Self-attention, cross-attention and a gated feed-forward layer, each with a residual connection.</summary>
internal sealed class TransformerBlock
{
    private const double Epsilon = 1e-5;
    private readonly LayerNorm norm1;
    private readonly AttentionLayer selfAttention;
    private readonly LayerNorm norm2;
    private readonly AttentionLayer crossAttention;
    private readonly LayerNorm norm3;
    private readonly Linear gatedProjection;
    private readonly Linear outProjection;

    public TransformerBlock(WeightScope weights, SiteRegistry sites, int channels, int contextChannels, int heads)
    {
        norm1 = new LayerNorm(weights["norm1"], channels, Epsilon);
        selfAttention = new AttentionLayer(weights["attn1"], sites.Add(AttentionKind.Self, weights["attn1"]), channels, channels, heads);
        norm2 = new LayerNorm(weights["norm2"], channels, Epsilon);
        crossAttention = new AttentionLayer(weights["attn2"], sites.Add(AttentionKind.Cross, weights["attn2"]), channels, contextChannels, heads);
        norm3 = new LayerNorm(weights["norm3"], channels, Epsilon);
        gatedProjection = new Linear(weights["ff"]["net"][0]["proj"], channels, channels * 8);
        outProjection = new Linear(weights["ff"]["net"][2], channels * 4, channels);
    }

    /// <summary>[rows, positions, channels] → same shape.</summary>
    public Tensor Forward(Tensor x, Tensor context, in UNetCall call)
    {
        using var scope = NewDisposeScope();
        var normed = norm1.Forward(x);
        var hidden = selfAttention.Forward(normed, normed, call).AddInPlace(x);
        hidden = crossAttention.Forward(norm2.Forward(hidden), context, call).AddInPlace(hidden);
        return FeedForward(norm3.Forward(hidden)).AddInPlace(hidden).MoveToOuterDisposeScope();
    }

    // GEGLU (Shazeer, arXiv 2002.05202): half of the projection, gated by the GELU of the other half.
    private Tensor FeedForward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var halves = gatedProjection.Forward(x).chunk(2, -1);
        return outProjection.Forward(Activations.Gated(halves[0], halves[1])).MoveToOuterDisposeScope();
    }
}
