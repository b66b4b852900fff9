using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// Local blend (Hertz et al., arXiv 2208.01626, "local editing"): outside the words' regions the edit gets the source's latents.
/// </summary>
/// <param name="edit">The thresholds, and the share of the steps before blending starts.</param>
/// <param name="include">Tokens of each prompt whose region may change; null if the whole image may change.</param>
/// <param name="subtract">Tokens of each prompt whose region stays unchanged; null for none.</param>
/// <param name="own">A mask over the latents, [h, w], true where the image may change; null for none. Not disposed here.</param>
/// <param name="maps">The cross-attention maps of the run; null if only the mask counts.</param>
/// <param name="steps">Number of steps of the run.</param>
internal sealed class LocalBlend(
    EditRequest edit, IReadOnlyList<IReadOnlyList<int>>? include, IReadOnlyList<IReadOnlyList<int>>? subtract, Tensor? own, AttentionMaps? maps, int steps)
{
    /// <summary>Whether blending is active at a step.</summary>
    public bool IsActive(int step) => step + 1 > (int)(edit.BlendStart * steps);

    /// <summary>The regions at a step: [prompts, 1, h, w] bool; row 0 is the source's.</summary>
    /// <param name="step">The step just taken.</param>
    /// <param name="prompts">Number of prompts.</param>
    /// <param name="height">Rows of the latents.</param>
    /// <param name="width">Columns of the latents.</param>
    /// <param name="device">The device of the latents and of the maps.</param>
    public Tensor Masks(int step, int prompts, long height, long width, Device device)
    {
        using var scope = NewDisposeScope();
        var mask = include is not null ? Region(include, edit.BlendThreshold, pool: true) : ones([prompts, 1, height, width], ScalarType.Bool, device);
        if (subtract is not null)
            mask = mask.bitwise_and(Region(subtract, edit.BlendSubtractThreshold, pool: false).bitwise_not());
        if (own is not null)
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
