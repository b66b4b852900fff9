using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>The token regions that confine an edit, with their thresholds.</summary>
internal sealed record LocalBlendOptions
{
    /// <summary>Tokens of each prompt whose region may change; null if the whole image may change.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Include { get; init; }

    /// <summary>Tokens of each prompt whose region stays unchanged.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Subtract { get; init; }

    /// <summary>Fraction of the strongest attention above which a position belongs to the region, 0 to 1.</summary>
    public double Threshold { get; init; } = 0.3;

    /// <summary>The threshold of <see cref="Subtract"/>, 0 to 1.</summary>
    public double SubtractThreshold { get; init; } = 0.3;

    /// <summary>Fraction of the steps before blending starts, 0 to 1.</summary>
    public double Start { get; init; } = 0.2;

    /// <summary>A custom mask over the latents, [h, w], true where the image may change; null for none. Not disposed here.</summary>
    public Tensor? Mask { get; init; }
}

/// <summary>
/// Local blend (Hertz et al., arXiv 2208.01626, "local editing"): outside the words' regions the edit gets the source's latents.
/// </summary>
internal sealed class LocalBlend(LocalBlendOptions options, AttentionMaps? maps, int steps)
{
    /// <summary>Whether blending is active at a step.</summary>
    public bool IsActive(int step) => step + 1 > (int)(options.Start * steps);

    /// <summary>The regions at a step: [prompts, 1, h, w] bool; row 0 is the source's.</summary>
    /// <param name="step">The step just taken.</param>
    /// <param name="prompts">Number of prompts.</param>
    /// <param name="height">Rows of the latents.</param>
    /// <param name="width">Columns of the latents.</param>
    /// <param name="device">The device of the latents and of the maps.</param>
    public Tensor Masks(int step, int prompts, long height, long width, Device device)
    {
        using var scope = NewDisposeScope();
        var mask = options.Include is { } include ? Region(include, options.Threshold, pool: true) : ones([prompts, 1, height, width], ScalarType.Bool, device);
        if (options.Subtract is { } subtract)
            mask = mask.bitwise_and(Region(subtract, options.SubtractThreshold, pool: false).bitwise_not());
        if (options.Mask is { } own)
            mask = mask.bitwise_and(own.to(ScalarType.Bool, device).view(1, 1, height, width));
        return mask.MoveToOuterDisposeScope();

        Tensor Region(IReadOnlyList<IReadOnlyList<int>> words, double threshold, bool pool)
        {
            var regions = cat([.. Enumerable.Range(0, prompts).Select(p => WordMap(p, words[p], step, device))], 0);
            if (pool)
                regions = nn.functional.max_pool2d(regions, [3, 3], [1, 1], [1, 1]);
            var scaled = nn.functional.interpolate(regions, [height, width], mode: InterpolationMode.Nearest);
            var above = (scaled / scaled.amax([2, 3], keepdim: true)).gt(Scalar(threshold));
            return above.bitwise_or(above.narrow(0, 0, 1));
        }
    }

    /// <summary>Replaces the edits' latents by the source's outside their regions.</summary>
    /// <param name="latents">[edits, channels, h, w].</param>
    /// <param name="source">[1, channels, h, w].</param>
    /// <param name="masks">[edits, 1, h, w] bool.</param>
    public static Tensor Blend(Tensor latents, Tensor source, Tensor masks)
    {
        using var scope = NewDisposeScope();
        return source.Plus(masks.to(latents.dtype) * (latents - source)).MoveToOuterDisposeScope();
    }

    private Tensor WordMap(int prompt, IReadOnlyList<int> tokens, int step, Device device)
    {
        var watched = maps ?? throw new InvalidOperationException("Blend words need attention maps.");
        if (tokens.Count == 0)
            return zeros([1, 1, watched.Height, watched.Width], device: device);
        // The mean over the steps instead of the authors' sum: dividing by the maximum makes them equal.
        var mean = watched.Mean(prompt, step);
        return cat([.. tokens.Select(token => mean.narrow(1, token, 1))], 1).sum(1).view(1, 1, watched.Height, watched.Width);
    }
}
