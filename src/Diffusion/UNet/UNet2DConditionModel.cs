using PromptToPrompt.Diffusion.Attention;
using PromptToPrompt.Diffusion.Layers;
using PromptToPrompt.Diffusion.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>The denoiser of Stable Diffusion (Rombach et al., arXiv 2112.10752): predicts noise (or velocity) from latents, timestep and text.</summary>
public sealed class UNet2DConditionModel
{
    private readonly TimestepEmbedding timeEmbedding;
    private readonly Conv2d convIn;
    private readonly DownBlock[] downBlocks;
    private readonly MidBlock midBlock;
    private readonly UpBlock[] upBlocks;
    private readonly GroupNorm normOut;
    private readonly Conv2d convOut;

    /// <summary>Builds the model from its config and weights.</summary>
    public UNet2DConditionModel(UNetConfig config, WeightScope weights)
    {
        Config = config;
        var sites = new SiteRegistry();
        var finest = config.Levels[0].Channels;
        var embedding = finest * 4;
        var levels = Enumerable.Range(0, config.Levels.Count);
        timeEmbedding = new TimestepEmbedding(weights["time_embedding"], finest, embedding, config.CosineFirst, config.FrequencyShift);
        convIn = new Conv2d(weights["conv_in"], config.InChannels, finest, 3, padding: 1);
        sites.Stage = UNetStage.Down;
        downBlocks = [.. levels.Select(i => new DownBlock(weights["down_blocks"][i], sites, config, i, embedding))];
        sites.Stage = UNetStage.Mid;
        midBlock = new MidBlock(weights["mid_block"], sites, config, embedding);
        sites.Stage = UNetStage.Up;
        upBlocks = [.. levels.Select(i => new UpBlock(weights["up_blocks"][i], sites, config, config.Levels.Count - 1 - i, embedding))];
        normOut = new GroupNorm(weights["conv_norm_out"], finest, config.NormGroups, config.NormEpsilon);
        convOut = new Conv2d(weights["conv_out"], finest, config.OutChannels, 3, padding: 1);
        AttentionSites = sites.Sites;
    }

    /// <summary>The model's shape.</summary>
    public UNetConfig Config { get; }

    /// <summary>Every attention layer in the order they run.</summary>
    public IReadOnlyList<AttentionSite> AttentionSites { get; }

    /// <summary>Predicts the noise (or velocity, as the model was trained) in the latents.</summary>
    /// <param name="sample">Latents, [rows, in channels, h, w].</param>
    /// <param name="timesteps">Timestep of each row, [rows] or [1].</param>
    /// <param name="context">Text encoder output of each row, [rows, tokens, cross-attention width].</param>
    /// <param name="attention">The run's attention processor.</param>
    /// <param name="step">What the processor is told of the run.</param>
    /// <returns>[rows, out channels, h, w].</returns>
    public Tensor Forward(Tensor sample, Tensor timesteps, Tensor context, AttentionProcessor? attention = null, DenoisingStep? step = null)
    {
        using var scope = NewDisposeScope();
        var call = new UNetCall(attention ?? AttentionProcessor.Plain, step ?? DenoisingStep.None, (int)sample.shape[2], (int)sample.shape[3]);
        var embedding = Activations.Silu(timeEmbedding.Forward(timesteps, sample.dtype));
        var x = convIn.Forward(sample);
        var skips = new Stack<Tensor>();
        skips.Push(x);
        foreach (var block in downBlocks)
            x = block.Forward(x, embedding, context, call, skips);
        x = midBlock.Forward(x, embedding, context, call);
        foreach (var block in upBlocks)
            x = block.Forward(x, embedding, context, call, skips);
        return convOut.Forward(Activations.Silu(normOut.Forward(x))).MoveToOuterDisposeScope();
    }
}
