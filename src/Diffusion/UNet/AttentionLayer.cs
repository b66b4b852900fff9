using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>Multi-head attention of a transformer block: projects, calls the run's processor, projects back.</summary>
internal sealed class AttentionLayer
{
    private readonly int heads;
    private readonly int width;
    private readonly Linear? toQuery;
    private readonly Linear? toKey;
    private readonly Linear? toValue;
    private readonly Tensor? toAll;
    private readonly Linear toOut;

    public AttentionLayer(WeightScope weights, AttentionSite site, int channels, int contextChannels, int heads)
    {
        Site = site;
        (this.heads, width) = (heads, channels / heads);
        // Self-attention projects one input three times.
        toAll = site.Kind == AttentionKind.Self ? weights.TakeStacked(["to_q.weight", "to_k.weight", "to_v.weight"], channels, channels) : null;
        if (toAll is null)
        {
            toQuery = new(weights["to_q"], channels, channels, bias: false);
            toKey = new(weights["to_k"], contextChannels, channels, bias: false);
            toValue = new(weights["to_v"], contextChannels, channels, bias: false);
        }

        toOut = new(weights["to_out"][0], channels, channels);
    }

    public AttentionSite Site { get; }

    /// <summary>[rows, positions, channels] → same shape, attending to <paramref name="context"/> ([rows, tokens, context channels]).</summary>
    public Tensor Forward(Tensor hidden, Tensor context, in UNetCall call)
    {
        using var scope = NewDisposeScope();
        var (query, key, value) = toAll is not null ? Project(hidden, toAll) : (SplitHeads(toQuery!.Forward(hidden)), null, null);
        if (key is null || value is null)
        {
            (key, value) = Site.Kind == AttentionKind.Cross && call.Constants is { } constants ? constants.KeyAndValue(Site, context, KeyAndValue) : KeyAndValue(context);
        }

        var attended = call.Attention.Attend(call.At(Site), query, key, value);
        return toOut.Forward(attended.transpose(1, 2).reshape(hidden.shape)).MoveToOuterDisposeScope();
    }

    private (Tensor Query, Tensor? Key, Tensor? Value) Project(Tensor hidden, Tensor all)
    {
        var parts = LinearProduct.Apply(hidden, all).view(hidden.shape[0], hidden.shape[1], 3, heads, width).permute(2, 0, 3, 1, 4).unbind(0);
        return (parts[0], parts[1], parts[2]);
    }

    private (Tensor Key, Tensor Value) KeyAndValue(Tensor context) => (SplitHeads(toKey!.Forward(context)), SplitHeads(toValue!.Forward(context)));

    private Tensor SplitHeads(Tensor x) => x.view(x.shape[0], x.shape[1], heads, width).transpose(1, 2);
}
