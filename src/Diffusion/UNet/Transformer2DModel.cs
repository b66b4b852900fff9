using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>Transformer blocks over the positions of a feature map, with one residual connection around all of them.</summary>
internal sealed class Transformer2DModel
{
    private readonly GroupNorm norm;
    private readonly Linear projectIn;
    private readonly TransformerBlock[] blocks;
    private readonly Linear projectOut;

    public Transformer2DModel(WeightScope weights, SiteRegistry sites, UNetConfig config, UNetLevel level)
    {
        var channels = level.Channels;
        norm = new GroupNorm(weights["norm"], channels, config.NormGroups, 1e-6);
        projectIn = new Linear(weights["proj_in"], channels, channels, kernel1x1: !config.LinearProjection);
        blocks = [.. Enumerable.Range(0, level.TransformerDepth).Select(i =>
            new TransformerBlock(weights["transformer_blocks"][i], sites, channels, config.CrossAttentionDim, level.Heads))];
        projectOut = new Linear(weights["proj_out"], channels, channels, kernel1x1: !config.LinearProjection);
    }

    /// <summary>[rows, channels, H, W] → same shape.</summary>
    public Tensor Forward(Tensor x, Tensor context, in UNetCall call)
    {
        using var scope = NewDisposeScope();
        var here = call with { Height = (int)x.shape[2], Width = (int)x.shape[3] };
        var hidden = projectIn.Forward(norm.Forward(x).permute(0, 2, 3, 1).reshape(x.shape[0], x.shape[2] * x.shape[3], x.shape[1]));
        foreach (var block in blocks)
            hidden = block.Forward(hidden, context, here);
        return projectOut.Forward(hidden).transpose(1, 2).reshape(x.shape).AddInPlace(x).MoveToOuterDisposeScope();
    }
}
