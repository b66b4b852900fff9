using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Evaluation.Measures;

/// <summary>Measures the similarity of two images of the same size.</summary>
public static class PictureComparison
{
    /// <summary>Mean absolute difference of the color values, 0…255.</summary>
    public static double Difference(Picture one, Picture other) => DifferenceOutside(one, other, new bool[one.Width * one.Height])!.Value;

    /// <summary>Mean absolute difference of the color values, 0…255, over the pixels outside a region.</summary>
    /// <param name="one">An image.</param>
    /// <param name="other">Another image of the same size.</param>
    /// <param name="region">Width × height values, row-major: true for pixels to ignore.</param>
    /// <returns>Null if the region covers all pixels.</returns>
    public static double? DifferenceOutside(Picture one, Picture other, IReadOnlyList<bool> region)
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

    /// <summary>
    /// Agreement of the edges of two images, regardless of their colors: Pearson's correlation of the horizontal and
    /// vertical differences of luminance, −1…1. Images without edges give 0.
    /// </summary>
    public static double StructureAgreement(Picture one, Picture other)
    {
        RequireSameSize(one, other);
        return Correlation(Gradients(one), Gradients(other));
    }

    private static List<double> Gradients(Picture picture)
    {
        var luminance = Luminance.Of(picture);
        var gradients = new List<double>(2 * luminance.Length);
        for (var y = 0; y < picture.Height; y++)
        {
            for (var x = 0; x < picture.Width; x++)
            {
                var i = (y * picture.Width) + x;
                if (x + 1 < picture.Width)
                    gradients.Add(luminance[i + 1] - luminance[i]);
                if (y + 1 < picture.Height)
                    gradients.Add(luminance[i + picture.Width] - luminance[i]);
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

    internal static void RequireSameSize(Picture one, Picture other)
    {
        if (one.Width != other.Width || one.Height != other.Height)
            throw new ArgumentException($"An image of {one.Width}x{one.Height} cannot be compared with one of {other.Width}x{other.Height}.");
    }
}
