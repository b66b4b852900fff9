using PromptToPrompt.Diffusion.Attention;
using PromptToPrompt.Diffusion.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>One level of the contracting half: residual blocks (and transformers), then a downsampler. Every output is kept as a skip.</summary>
internal sealed class DownBlock
{
    private readonly ResnetBlock2D[] resnets;
    private readonly Transformer2DModel[]? transformers;
    private readonly Downsample2D? downsampler;

    public DownBlock(WeightScope weights, SiteRegistry sites, UNetConfig config, int level, int embedding)
    {
        var here = config.Levels[level];
        var inputs = level == 0 ? here.Channels : config.Levels[level - 1].Channels;
        resnets = [.. Enumerable.Range(0, config.LayersPerBlock).Select(i => new ResnetBlock2D(
            weights["resnets"][i], i == 0 ? inputs : here.Channels, here.Channels, config.NormGroups, config.NormEpsilon, embedding))];
        transformers = here.DownAttention
            ? [.. Enumerable.Range(0, config.LayersPerBlock).Select(i => new Transformer2DModel(weights["attentions"][i], sites, config, here))]
            : null;
        downsampler = level < config.Levels.Count - 1 ? new Downsample2D(weights["downsamplers"][0], here.Channels) : null;
    }

    public Tensor Forward(Tensor x, Tensor embedding, Tensor context, in UNetCall call, Stack<Tensor> skips)
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < resnets.Length; i++)
        {
            x = resnets[i].Forward(x, embedding);
            if (transformers is not null)
                x = transformers[i].Forward(x, context, call);
            skips.Push(x.MoveToOuterDisposeScope());
        }

        if (downsampler is not null)
            skips.Push(x = downsampler.Forward(x).MoveToOuterDisposeScope());
        return x;
    }
}

/// <summary>The narrowest part: residual block, transformer, residual block.</summary>
internal sealed class MidBlock
{
    private readonly ResnetBlock2D first;
    private readonly Transformer2DModel transformer;
    private readonly ResnetBlock2D second;

    public MidBlock(WeightScope weights, SiteRegistry sites, UNetConfig config, int embedding)
    {
        var here = config.Levels[^1];
        first = new ResnetBlock2D(weights["resnets"][0], here.Channels, here.Channels, config.NormGroups, config.NormEpsilon, embedding);
        transformer = new Transformer2DModel(weights["attentions"][0], sites, config, here);
        second = new ResnetBlock2D(weights["resnets"][1], here.Channels, here.Channels, config.NormGroups, config.NormEpsilon, embedding);
    }

    public Tensor Forward(Tensor x, Tensor embedding, Tensor context, in UNetCall call)
    {
        using var scope = NewDisposeScope();
        x = first.Forward(x, embedding);
        x = transformer.Forward(x, context, call);
        return second.Forward(x, embedding).MoveToOuterDisposeScope();
    }
}

/// <summary>One level of the expanding half: residual blocks that take the skips back in (and transformers), then an upsampler.</summary>
internal sealed class UpBlock
{
    private readonly ResnetBlock2D[] resnets;
    private readonly Transformer2DModel[]? transformers;
    private readonly Upsample2D? upsampler;

    public UpBlock(WeightScope weights, SiteRegistry sites, UNetConfig config, int level, int embedding)
    {
        var here = config.Levels[level];
        var below = config.Levels[Math.Min(level + 1, config.Levels.Count - 1)].Channels;
        var above = config.Levels[Math.Max(level - 1, 0)].Channels;
        var layers = config.LayersPerBlock + 1;
        resnets = [.. Enumerable.Range(0, layers).Select(i => new ResnetBlock2D(
            weights["resnets"][i],
            (i == 0 ? below : here.Channels) + (i == layers - 1 ? above : here.Channels),
            here.Channels, config.NormGroups, config.NormEpsilon, embedding))];
        transformers = here.UpAttention
            ? [.. Enumerable.Range(0, layers).Select(i => new Transformer2DModel(weights["attentions"][i], sites, config, here))]
            : null;
        upsampler = level > 0 ? new Upsample2D(weights["upsamplers"][0], here.Channels) : null;
    }

    public Tensor Forward(Tensor x, Tensor embedding, Tensor context, in UNetCall call, Stack<Tensor> skips)
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < resnets.Length; i++)
        {
            using (var skip = skips.Pop())
            using (var joined = cat([x, skip], 1))
                x = resnets[i].Forward(joined, embedding);
            if (transformers is not null)
                x = transformers[i].Forward(x, context, call);
        }

        // The next skip tells the size: heights and widths that are not multiples of 8 were rounded up on the way down.
        if (upsampler is not null)
            x = upsampler.Forward(x, skips.Peek().shape[2], skips.Peek().shape[3]);
        return x.MoveToOuterDisposeScope();
    }
}
