using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Evaluation.Measures;

/// <summary>Measures the similarity of two images of the same size.</summary>
internal static class ImageComparison
{
    /// <summary>Mean absolute difference of the color values, 0…255.</summary>
    public static double Difference(Image one, Image other) => DifferenceOutside(one, other, new bool[one.Width * one.Height])!.Value;

    /// <summary>Mean absolute difference of the color values, 0…255, over the pixels outside a region.</summary>
    /// <param name="one">An image.</param>
    /// <param name="other">Another image of the same size.</param>
    /// <param name="region">Width × height values, row-major: true for pixels to ignore.</param>
    /// <returns>Null if the region covers all pixels.</returns>
    public static double? DifferenceOutside(Image one, Image other, IReadOnlyList<bool> region)
    {
        RequireSameSize(one, other);
        var (sum, pixels) = (0L, 0L);
        for (var i = 0; i < region.Count; i++)
        {
            if (region[i])
                continue;
            pixels++;
            for (var c = i * 3; c < (i * 3) + 3; c++)
                sum += Math.Abs(one.Rgb[c] - other.Rgb[c]);
        }

        return pixels == 0 ? null : sum / (3.0 * pixels);
    }

    /// <summary>Peak signal-to-noise ratio in decibels over the pixels outside a region; infinite if they are equal.</summary>
    /// <param name="one">An image.</param>
    /// <param name="other">Another image of the same size.</param>
    /// <param name="region">Width × height values, row-major: true for pixels to ignore.</param>
    /// <returns>Null if the region covers all pixels.</returns>
    public static double? PsnrOutside(Image one, Image other, IReadOnlyList<bool> region)
    {
        RequireSameSize(one, other);
        var (squares, values) = (0L, 0L);
        for (var c = 0; c < one.Rgb.Length; c++)
        {
            if (region[c / Image.Channels])
                continue;
            var difference = one.Rgb[c] - other.Rgb[c];
            squares += difference * difference;
            values++;
        }

        return values == 0 ? null : 10 * Math.Log10((double)byte.MaxValue * byte.MaxValue * values / squares);
    }

    /// <summary>
    /// Agreement of the edges of two images, regardless of their colors: Pearson's correlation of the horizontal and
    /// vertical differences of luminance, −1…1. Images without edges give 0.
    /// </summary>
    public static double StructureAgreement(Image one, Image other)
    {
        RequireSameSize(one, other);
        return Correlation(Gradients(one), Gradients(other));
    }

    private static List<double> Gradients(Image image)
    {
        var luminance = Luminance.Of(image);
        var gradients = new List<double>(2 * luminance.Length);
        for (var y = 0; y < image.Height; y++)
        {
            for (var x = 0; x < image.Width; x++)
            {
                var i = (y * image.Width) + x;
                if (x + 1 < image.Width)
                    gradients.Add(luminance[i + 1] - luminance[i]);
                if (y + 1 < image.Height)
                    gradients.Add(luminance[i + image.Width] - luminance[i]);
            }
        }

        return gradients;
    }

    private static double Correlation(List<double> one, List<double> other)
    {
        var (meanOne, meanOther) = (one.Average(), other.Average());
        var (product, squaresOne, squaresOther) = (0.0, 0.0, 0.0);
        for (var i = 0; i < one.Count; i++)
        {
            var (a, b) = (one[i] - meanOne, other[i] - meanOther);
            product += a * b;
            squaresOne += a * a;
            squaresOther += b * b;
        }

        var scale = Math.Sqrt(squaresOne * squaresOther);
        return scale == 0 ? 0 : product / scale;
    }

    internal static void RequireSameSize(Image one, Image other)
    {
        if (one.Width != other.Width || one.Height != other.Height)
            throw new ArgumentException($"An image of {one.Width}x{one.Height} cannot be compared with one of {other.Width}x{other.Height}.");
    }
}
