using PromptToPrompt.Storybook.Training;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Measures;

/// <summary>
/// Names the color of a region. The colors are defined by drawn examples (for each color, the average of the medians inside the drawn
/// masks), not by the palette, so that shading and light are taken into account.
/// </summary>
internal sealed class ColorReader
{
    private const int Examples = 24;
    private readonly IReadOnlyList<(Color Color, double[] Rgb)> known;

    /// <summary>Draws the examples.</summary>
    /// <param name="seed">Seed of the drawings.</param>
    public ColorReader(int seed)
    {
        using var images = new Images(seed);
        known = [.. Enum.GetValues<Color>().Select(color => (color, Average(Drawings(images, color, first: 0, Examples))))];
        var trials = Enum.GetValues<Color>().SelectMany(color => Drawings(images, color, first: 1000, Examples)
            .Select(median => Nearest(median) == color)).ToList();
        DrawnAccuracy = trials.Count(right => right) / (double)trials.Count;
    }

    /// <summary>Share of other drawn subjects whose color it names correctly.</summary>
    public double DrawnAccuracy { get; }

    /// <summary>The color whose examples are nearest to the median inside a region.</summary>
    /// <param name="rgb">Three bytes per pixel.</param>
    /// <param name="region">The pixels to include, at least one.</param>
    public Color Read(IReadOnlyList<byte> rgb, IReadOnlyList<bool> region) => Nearest(Median(rgb, region));

    private Color Nearest(double[] median) => known.MinBy(k => k.Rgb.Zip(median, (a, b) => (a - b) * (a - b)).Sum()).Color;

    private static IEnumerable<double[]> Drawings(Images images, Color color, long first, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var scene = images.Scene(first + i) with
            {
                Color = color,
                Trait = Trait.None,
                Companion = null,
                Time = TimeOfDay.Day,
                Weather = Weather.Clear,
                Style = Style.Image,
            };
            var painting = images.Paint(scene);
            bool[] mask = [.. painting.Region(Part.Subject).Select(coverage => coverage >= 0.5f)];
            if (mask.Contains(true))
                yield return Median(painting.Rgb, mask);
        }
    }

    private static double[] Average(IEnumerable<double[]> medians)
    {
        var all = medians.ToList();
        return [.. Enumerable.Range(0, 3).Select(c => all.Average(median => median[c]))];
    }

    // Outlines, eyes and windows are a minority, which a median ignores.
    private static double[] Median(IReadOnlyList<byte> rgb, IReadOnlyList<bool> region)
    {
        int[] pixels = [.. Enumerable.Range(0, region.Count).Where(i => region[i])];
        return [.. Enumerable.Range(0, 3).Select(c => (double)pixels.Select(i => rgb[(i * 3) + c]).Order().ElementAt(pixels.Length / 2))];
    }
}
