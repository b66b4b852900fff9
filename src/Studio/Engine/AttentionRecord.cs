using System.Text;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Studio.Recipes;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Studio.Engine;

/// <summary>Where the words of a picture look, small enough to be sent whole.</summary>
/// <param name="Width">Positions across.</param>
/// <param name="Height">Positions down.</param>
/// <param name="Steps">The steps that are shown, counted from 0.</param>
/// <param name="Words">The words of the prompt in order.</param>
internal sealed record AttentionRecord(int Width, int Height, IReadOnlyList<int> Steps, IReadOnlyList<AttentionOfWord> Words)
{
    private const int MaxSteps = 25;

    /// <summary>Reads off the maps of one prompt.</summary>
    /// <param name="maps">The maps of a run.</param>
    /// <param name="prompt">Prompt of the run.</param>
    /// <param name="words">Its words.</param>
    public static AttentionRecord Of(AttentionMaps maps, int prompt, TokenizedPrompt words)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var all = maps.Steps;
        var count = Math.Min(MaxSteps, all.Count);
        int[] shown = [.. Enumerable.Range(0, count).Select(k => all[k * (all.Count - 1) / Math.Max(1, count - 1)]).Distinct()];
        var mean = maps.Mean(prompt);
        var over = shown.Select(step => maps.At(prompt, step)).ToList();
        return new AttentionRecord(maps.Width, maps.Height, shown, [.. words.Words.Select(word => new AttentionOfWord(
            word.Text, Scaled(mean, word), [.. over.SelectMany(map => Scaled(map, word))]))]);
    }

    /// <summary>As it is stored and sent.</summary>
    public byte[] ToJson() => Encoding.UTF8.GetBytes(StudioJson.Write(this));

    // Bright where the word looks most; each map by its own strongest place, as early ones are faint.
    private static byte[] Scaled(Tensor map, PromptWord word)
    {
        using var scope = NewDisposeScope();
        var columns = tensor(word.BareTokens.Select(token => (long)token).ToArray(), device: CPU);
        var values = map.cpu().index_select(1, columns).mean([1]);
        var strongest = values.max().clamp_min(Scalar(float.Epsilon));
        return (values / strongest).mul(Scalar(byte.MaxValue)).clamp(Scalar(0), Scalar(byte.MaxValue)).to(ScalarType.Byte).contiguous().data<byte>().ToArray();
    }
}

/// <summary>Where one word looks.</summary>
/// <param name="Text">The word.</param>
/// <param name="Mean">Over all steps: a byte for each position, row by row, 255 at the strongest.</param>
/// <param name="OverTime">The same for each shown step, one after another.</param>
internal sealed record AttentionOfWord(string Text, byte[] Mean, byte[] OverTime);
