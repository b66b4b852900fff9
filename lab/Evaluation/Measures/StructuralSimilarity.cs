using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Evaluation.Measures;

/// <summary>
/// The structural similarity index, SSIM (Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity",
/// equation 13), with the paper's choices: luminance, a Gaussian window of 11×11 pixels with σ = 1.5, K₁ = 0.01 and K₂ = 0.03, and
/// the mean over all positions where the window lies inside the image.
/// </summary>
internal static class StructuralSimilarity
{
    private const int Radius = 5;
    private const double Sigma = 1.5;
    private const double Range = 255;
    private const double C1 = 0.01 * Range * 0.01 * Range;
    private const double C2 = 0.03 * Range * 0.03 * Range;
    private static readonly double[] Window = Gaussian();

    /// <summary>Similarity of two images: 1 for equal ones, at least −1.</summary>
    /// <exception cref="ArgumentException">The sizes differ, or are smaller than the window.</exception>
    public static double Of(Image one, Image other)
    {
        ImageComparison.RequireSameSize(one, other);
        if (Math.Min(one.Width, one.Height) < Window.Length)
            throw new ArgumentException($"Structural similarity needs images of at least {Window.Length}x{Window.Length} pixels, not {one.Size}.");
        var (x, y) = (Luminance.Of(one), Luminance.Of(other));
        var (meanX, meanY) = (Mean(x), Mean(y));
        var (squareX, squareY, product) = (Mean(Times(x, x)), Mean(Times(y, y)), Mean(Times(x, y)));
        var sum = 0.0;
        for (var i = 0; i < meanX.Length; i++)
        {
            var (a, b) = (meanX[i], meanY[i]);
            var variances = squareX[i] - (a * a) + squareY[i] - (b * b);
            var covariance = product[i] - (a * b);
            sum += ((2 * a * b) + C1) * ((2 * covariance) + C2) / (((a * a) + (b * b) + C1) * (variances + C2));
        }

        return sum / meanX.Length;

        // The window is separable, so rows and columns are averaged one after the other.
        double[] Mean(double[] values) => Columns(Rows(values, one.Width, one.Height), one.Width - (2 * Radius), one.Height);
    }

    private static double[] Rows(double[] values, int width, int height)
    {
        var wide = width - (2 * Radius);
        var means = new double[wide * height];
        for (var i = 0; i < means.Length; i++)
            means[i] = Weighted(values, first: (i / wide * width) + (i % wide), apart: 1);
        return means;
    }

    private static double[] Columns(double[] values, int width, int height)
    {
        var means = new double[width * (height - (2 * Radius))];
        for (var i = 0; i < means.Length; i++)
            means[i] = Weighted(values, first: i, apart: width);
        return means;
    }

    private static double Weighted(double[] values, int first, int apart)
    {
        var sum = 0.0;
        for (var k = 0; k < Window.Length; k++)
            sum += Window[k] * values[first + (k * apart)];
        return sum;
    }

    private static double[] Times(double[] one, double[] other) => [.. one.Zip(other, (a, b) => a * b)];

    private static double[] Gaussian()
    {
        double[] weights = [.. Enumerable.Range(-Radius, (2 * Radius) + 1).Select(x => Math.Exp(-(x * x) / (2 * Sigma * Sigma)))];
        var sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }
}
