using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Metrics;

/// <summary>How the pixels of two images differ. All measures are of values in 0…1, over the three channels.</summary>
/// <param name="Mse">Mean squared error.</param>
/// <param name="Psnr">Peak signal-to-noise ratio in decibels; infinite for equal images.</param>
/// <param name="Ssim">Structural similarity; 1 for equal images.</param>
internal sealed record PixelMetrics(double Mse, double Psnr, double Ssim)
{
    private const int Radius = 5;
    private const double Sigma = 1.5;
    private const double C1 = 0.01 * 0.01;
    private const double C2 = 0.03 * 0.03;

    private const int BandPixels = 1 << 17;

    private static readonly double[] Window = GaussianWindow();

    /// <summary>Smallest side of images, for the window of structural similarity.</summary>
    public const int MinSide = (2 * Radius) + 1;

    /// <summary>Compares two images of the same size.</summary>
    /// <param name="one">One image.</param>
    /// <param name="other">The other.</param>
    /// <param name="bandPixels">Pixels to compare at a time, in whole rows. Memory depends on it and not on the size of the images.</param>
    public static PixelMetrics Of(Image one, Image other, int bandPixels = BandPixels)
    {
        LibTorch.EnsureLoaded();
        using var _ = no_grad();
        var (squares, similarity) = (0.0, 0.0);
        var rows = Math.Max(1, bandPixels / one.Width);
        for (var top = 0; top < one.Height; top += rows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(rows, one.Height - top);
            Tensor a = Band(one, top, count), b = Band(other, top, count);
            squares += (Inner(a) - Inner(b)).Squared().sum().ReadDouble();
            similarity += Similarity(a, b).sum().ReadDouble();
        }

        var values = (double)Image.Channels * one.Width * one.Height;
        var mse = squares / values;
        return new PixelMetrics(mse, -10 * Math.Log10(mse), similarity / values);
    }

    // Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity", equation 13: a Gaussian window of 11×11 pixels with σ = 1.5,
    // around every pixel of every channel. Beyond its borders the image is mirrored, as in the implementation that published evaluations use.
    private static Tensor Similarity(Tensor a, Tensor b)
    {
        Tensor meanA = Mean(a), meanB = Mean(b);
        var varianceA = Mean(a.Squared()) - meanA.Squared();
        var varianceB = Mean(b.Squared()) - meanB.Squared();
        var covariance = Mean(a * b) - (meanA * meanB);
        return ((meanA * meanB * Scalar(2)).Plus(Scalar(C1)) * (covariance * Scalar(2)).Plus(Scalar(C2)))
            / (meanA.Squared().Plus(meanB.Squared()).Plus(Scalar(C1)) * varianceA.Plus(varianceB).Plus(Scalar(C2)));
    }

    // The window is separable: rows, then columns.
    private static Tensor Mean(Tensor x)
    {
        return Along(Along(x, 1), 2);

        static Tensor Along(Tensor wide, int dimension)
        {
            using var scope = NewDisposeScope();
            var length = wide.shape[dimension] - (2 * Radius);
            var mean = wide.narrow(dimension, 0, length) * Scalar(Window[0]);
            for (var offset = 1; offset < Window.Length; offset++)
                mean.AddInPlace(wide.narrow(dimension, offset, length) * Scalar(Window[offset]));
            return mean.MoveToOuterDisposeScope();
        }
    }

    // [3, rows + 2·Radius, width + 2·Radius] float64, with the mirrored pixels around the image.
    private static Tensor Band(Image image, int top, int rows)
    {
        var (width, height) = (image.Width + (2 * Radius), rows + (2 * Radius));
        var band = new double[Image.Channels * height * width];
        var at = 0;
        for (var channel = 0; channel < Image.Channels; channel++)
        {
            for (var y = top - Radius; y < top + rows + Radius; y++)
            {
                var row = image.Row(Mirrored(y, image.Height));
                for (var x = -Radius; x < image.Width + Radius; x++)
                    band[at++] = row[(Mirrored(x, image.Width) * Image.Channels) + channel] / 255.0;
            }
        }

        return tensor(band, [Image.Channels, height, width], device: CPU);
    }

    private static int Mirrored(int position, int length) => position < 0 ? -position : position >= length ? (2 * (length - 1)) - position : position;

    private static Tensor Inner(Tensor band) => band.narrow(1, Radius, band.shape[1] - (2 * Radius)).narrow(2, Radius, band.shape[2] - (2 * Radius));

    private static double[] GaussianWindow()
    {
        double[] weights = [.. Enumerable.Range(-Radius, MinSide).Select(offset => Math.Exp(-(offset * offset) / (2 * Sigma * Sigma)))];
        var sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }
}
