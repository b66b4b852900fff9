using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>Masks of PIE-Bench: starts and lengths of runs of edited pixels, row by row.</summary>
internal static class PieBenchMask
{
    /// <summary>Reads a mask: white where the image is edited.</summary>
    /// <param name="runs">Start and length of each run. Pixels beyond the image are left out.</param>
    /// <param name="size">Size of the image.</param>
    public static Image Decode(IReadOnlyList<int> runs, PixelSize size)
    {
        var edited = new bool[size.Width * size.Height];
        foreach (var run in runs.Chunk(2).Where(run => run.Length == 2))
        {
            var end = Math.Min(edited.Length, (long)run[0] + run[1]);
            for (var i = Math.Max(0, run[0]); i < end; i++)
                edited[i] = true;
        }

        return new Image(size.Width, size.Height, [.. edited.SelectMany(isEdited => Enumerable.Repeat(isEdited ? byte.MaxValue : byte.MinValue, Image.Channels))]);
    }

    /// <summary>A mask whose border counts as edited too, as in the published evaluation.</summary>
    public static Image WithBorder(Image mask)
    {
        var rgb = (byte[])mask.Rgb.Clone();
        var row = mask.Width * Image.Channels;
        rgb.AsSpan(0, row).Fill(byte.MaxValue);
        rgb.AsSpan(rgb.Length - row).Fill(byte.MaxValue);
        for (var y = 0; y < mask.Height; y++)
        {
            rgb.AsSpan(y * row, Image.Channels).Fill(byte.MaxValue);
            rgb.AsSpan(((y + 1) * row) - Image.Channels, Image.Channels).Fill(byte.MaxValue);
        }

        return mask with { Rgb = rgb };
    }

    /// <summary>The runs of a mask.</summary>
    /// <param name="edited">Whether each pixel is edited, row by row.</param>
    public static IReadOnlyList<int> Encode(IReadOnlyList<bool> edited)
    {
        var runs = new List<int>();
        for (var i = 0; i < edited.Count; i++)
        {
            if (!edited[i])
                continue;
            var start = i;
            while (i < edited.Count && edited[i])
                i++;
            runs.AddRange([start, i - start]);
        }

        return runs;
    }
}
