using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Evaluation.Measures;

/// <summary>How alike two pictures of one size are.</summary>
public static class PictureComparison
{
    /// <summary>Mean absolute difference of the colour values, 0…255.</summary>
    public static double Difference(Picture one, Picture other) => DifferenceOutside(one, other, new bool[one.Width * one.Height])!.Value;

    /// <summary>Mean absolute difference of the colour values, 0…255, over the pixels that lie outside a region.</summary>
    /// <param name="one">A picture.</param>
    /// <param name="other">Another of the same size.</param>
    /// <param name="region">Width × height values, row by row: true where pixels are passed over.</param>
    /// <returns>Null when the region leaves no pixel.</returns>
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
    /// How far two pictures have the same edges in the same places, whatever their colours: Pearson's correlation of the horizontal and
    /// vertical differences of luminance, −1…1. Pictures without any edge agree with none: 0.
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
            throw new ArgumentException($"A picture of {one.Width}x{one.Height} cannot be compared with one of {other.Width}x{other.Height}.");
    }
}
