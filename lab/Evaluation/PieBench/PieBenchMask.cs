using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>Masks of PIE-Bench: starts and lengths of runs of edited pixels, row by row.</summary>
internal static class PieBenchMask
{
    /// <summary>Reads a mask: white where the image is edited. As in the published evaluation, the border counts as edited.</summary>
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

        for (var x = 0; x < size.Width; x++)
            edited[x] = edited[^(x + 1)] = true;
        for (var y = 0; y < size.Height; y++)
            edited[y * size.Width] = edited[((y + 1) * size.Width) - 1] = true;
        return new Image(size.Width, size.Height, [.. edited.SelectMany(isEdited => Enumerable.Repeat(isEdited ? byte.MaxValue : byte.MinValue, Image.Channels))]);
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
