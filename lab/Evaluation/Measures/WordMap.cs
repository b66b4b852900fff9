using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Attention;

namespace PromptToPrompt.Evaluation.Measures;

/// <summary>The attention on words, position by position.</summary>
/// <param name="Width">Columns of positions.</param>
/// <param name="Height">Rows of positions.</param>
/// <param name="Values">Width × height non-negative values, row-major.</param>
internal sealed record WordMap(int Width, int Height, IReadOnlyList<float> Values)
{
    /// <summary>Index of the strongest position.</summary>
    public int Peak
    {
        get
        {
            var peak = 0;
            for (var i = 1; i < Values.Count; i++)
            {
                if (Values[i] > Values[peak])
                    peak = i;
            }

            return peak;
        }
    }

    /// <summary>The mean attention of the tokens of words, averaged over the run.</summary>
    /// <param name="maps">Maps of a run.</param>
    /// <param name="index">Index of the prompt in the run.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="words">Words of the prompt, at least one.</param>
    /// <exception cref="Diffusion.InvalidInputException">The prompt does not contain a word.</exception>
    public static WordMap Of(AttentionMaps maps, int index, TokenizedPrompt prompt, IEnumerable<string> words)
    {
        using var mean = maps.Mean(index);
        return new WordMap(maps.Width, maps.Height, AttentionMaps.OfTokens(mean, words.SelectMany(word => prompt.Find(word))));
    }

    /// <summary>The positions with at least a share of the strongest attention.</summary>
    /// <param name="threshold">The share, 0…1.</param>
    /// <param name="dilated">Whether to include the neighbors of such positions, corners included.</param>
    public bool[] Region(double threshold, bool dilated)
    {
        var limit = threshold * Values[Peak];
        var reach = dilated ? 1 : 0;
        var region = new bool[Values.Count];
        for (var i = 0; i < region.Length; i++)
        {
            if (Values[i] < limit)
                continue;
            var (x, y) = (i % Width, i / Width);
            for (var row = Math.Max(0, y - reach); row <= Math.Min(Height - 1, y + reach); row++)
                for (var column = Math.Max(0, x - reach); column <= Math.Min(Width - 1, x + reach); column++)
                    region[(row * Width) + column] = true;
        }

        return region;
    }

    /// <summary>The region in pixels of an image that the positions cover evenly: pictureWidth × pictureHeight values, row-major.</summary>
    /// <inheritdoc cref="Region"/>
    public bool[] PixelRegion(int imageWidth, int imageHeight, double threshold, bool dilated)
    {
        var region = Region(threshold, dilated);
        var pixels = new bool[imageWidth * imageHeight];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = region[(i / imageWidth * Height / imageHeight * Width) + (i % imageWidth * Width / imageWidth)];
        return pixels;
    }
}
