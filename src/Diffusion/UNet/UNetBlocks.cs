using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>Builds a U-Net's chain block by block, with the blocks' checkpoint names.</summary>
internal static class UNetBlocks
{
    /// <summary>One level of the contracting half: residual blocks (and transformers), then a downsampler. Every output is saved as a skip connection.</summary>
    public static List<UNetLink> Down(WeightScope weights, SiteRegistry sites, UNetConfig config, int level, int embedding)
    {
        var here = config.Levels[level];
        var inputs = level == 0 ? here.Channels : config.Levels[level - 1].Channels;
        var resnets = Enumerable.Range(0, config.LayersPerBlock).Select(i => Resnet(
            weights["resnets"][i], sites, config, i == 0 ? inputs : here.Channels, here.Channels, embedding)).ToList();
        var transformers = here.DownAttention ? Transformers(weights, sites, config, here, config.LayersPerBlock) : null;
        var chain = Layers(resnets, transformers, joins: false, keeps: true);
        if (level < config.Levels.Count - 1)
        {
            var downsampler = new Downsample2D(weights["downsamplers"][0], here.Channels);
            chain.Add(new UNetLink((x, _, _, in _) => downsampler.Forward(x)) { Keeps = true });
        }

        return chain;
    }

    /// <summary>The middle block: residual block, transformer, residual block.</summary>
    public static List<UNetLink> Mid(WeightScope weights, SiteRegistry sites, UNetConfig config, int embedding)
    {
        var here = config.Levels[^1];
        var first = Resnet(weights["resnets"][0], sites, config, here.Channels, here.Channels, embedding);
        var transformers = Transformers(weights, sites, config, here, count: 1);
        var second = Resnet(weights["resnets"][1], sites, config, here.Channels, here.Channels, embedding);
        return [.. Layers([first], transformers, joins: false, keeps: false), Link(second)];
    }

    /// <summary>One level of the expanding half: residual blocks that concatenate the skip connections (and transformers), then an upsampler.</summary>
    public static List<UNetLink> Up(WeightScope weights, SiteRegistry sites, UNetConfig config, int level, int embedding)
    {
        var here = config.Levels[level];
        var below = config.Levels[Math.Min(level + 1, config.Levels.Count - 1)].Channels;
        var above = config.Levels[Math.Max(level - 1, 0)].Channels;
        var layers = config.LayersPerBlock + 1;
        var resnets = Enumerable.Range(0, layers).Select(i => Resnet(
            weights["resnets"][i],
            sites,
            config,
            (i == 0 ? below : here.Channels) + (i == layers - 1 ? above : here.Channels),
            here.Channels,
            embedding)).ToList();
        var transformers = here.UpAttention ? Transformers(weights, sites, config, here, layers) : null;
        var chain = Layers(resnets, transformers, joins: true, keeps: false);
        if (level > 0)
        {
            var upsampler = new Upsample2D(weights["upsamplers"][0], here.Channels);
            chain.Add(new UNetLink((x, _, _, in call) =>
            {
                var (height, width) = call.SizeAt(level - 1);
                return upsampler.Forward(x, height, width);
            }));
        }

        return chain;
    }

    private static List<UNetLink> Layers(List<(ResnetBlock2D Block, ResidualSite Site)> resnets, List<Transformer2DModel>? transformers, bool joins, bool keeps)
    {
        var chain = new List<UNetLink>();
        for (var i = 0; i < resnets.Count; i++)
        {
            chain.Add(Link(resnets[i]) with { Joins = joins, Keeps = keeps && transformers is null });
            if (transformers is not null)
                chain.Add(Link(transformers[i]) with { Keeps = keeps });
        }

        return chain;
    }

    private static UNetLink Link((ResnetBlock2D Block, ResidualSite Site) resnet) => new((x, embedding, _, in call) =>
    {
        using var scope = NewDisposeScope();
        var block = resnet.Block;
        var bias = call.Constants?.Bias(block, call.Step.Index, block.Bias)
            ?? block.Bias(embedding ?? throw new InvalidOperationException("The call has neither an embedding nor constants."));
        return block.Add(x, call.Attention.Residual(new(resnet.Site, call.Step), block.Features(x, bias))).MoveToOuterDisposeScope();
    })
    { ReadsEmbedding = true };

    private static UNetLink Link(Transformer2DModel transformer) => new((x, _, context, in call) => transformer.Forward(x, context, call)) { ReadsText = true };

    private static (ResnetBlock2D Block, ResidualSite Site) Resnet(WeightScope weights, SiteRegistry sites, UNetConfig config, int inputs, int outputs, int embedding)
        => (new(weights, inputs, outputs, config.NormGroups, config.NormEpsilon, embedding), sites.AddResidual(weights));

    private static List<Transformer2DModel> Transformers(WeightScope weights, SiteRegistry sites, UNetConfig config, UNetLevel level, int count)
        => [.. Enumerable.Range(0, count).Select(i => new Transformer2DModel(weights["attentions"][i], sites, config, level))];
}
