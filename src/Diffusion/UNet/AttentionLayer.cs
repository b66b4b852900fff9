using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>Multi-head attention of a transformer block: projects, calls the run's processor, projects back.</summary>
internal sealed class AttentionLayer(WeightScope weights, AttentionSite site, int channels, int contextChannels, int heads)
{
    private readonly Linear toQuery = new(weights["to_q"], channels, channels, bias: false);
    private readonly Linear toKey = new(weights["to_k"], contextChannels, channels, bias: false);
    private readonly Linear toValue = new(weights["to_v"], contextChannels, channels, bias: false);
    private readonly Linear toOut = new(weights["to_out"][0], channels, channels);

    public AttentionSite Site => site;

    /// <summary>[rows, positions, channels] → same shape, attending to <paramref name="context"/> ([rows, tokens, context channels]).</summary>
    public Tensor Forward(Tensor hidden, Tensor context, in UNetCall call)
    {
        using var scope = NewDisposeScope();
        var query = SplitHeads(toQuery.Forward(hidden));
        var key = SplitHeads(toKey.Forward(context));
        var value = SplitHeads(toValue.Forward(context));
        var attended = call.Attention.Attend(call.At(site), query, key, value);
        return toOut.Forward(attended.transpose(1, 2).reshape(hidden.shape)).MoveToOuterDisposeScope();
    }

    private Tensor SplitHeads(Tensor x) => x.view(x.shape[0], x.shape[1], heads, channels / heads).transpose(1, 2);
}
