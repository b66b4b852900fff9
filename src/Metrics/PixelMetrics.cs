using PromptToPrompt.Diffusion.Images;
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

    /// <summary>Smallest side of images, for the window of structural similarity.</summary>
    public const int MinSide = (2 * Radius) + 1;

    /// <summary>Compares two images of the same size.</summary>
    public static PixelMetrics Of(Image one, Image other)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        Tensor a = Pixels(one), b = Pixels(other);
        var mse = (a - b).Squared().mean().ReadDouble();
        return new PixelMetrics(mse, -10 * Math.Log10(mse), Similarity(a, b));
    }

    // Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity", equation 13: a Gaussian window of 11×11 pixels with σ = 1.5,
    // around every pixel of every channel. Beyond its borders the image is mirrored, as in the implementation that published evaluations use.
    private static double Similarity(Tensor a, Tensor b)
    {
        Tensor meanA = Mean(a), meanB = Mean(b);
        var varianceA = Mean(a.Squared()) - meanA.Squared();
        var varianceB = Mean(b.Squared()) - meanB.Squared();
        var covariance = Mean(a * b) - (meanA * meanB);
        var similarity = ((meanA * meanB * Scalar(2)).Plus(Scalar(C1)) * (covariance * Scalar(2)).Plus(Scalar(C2)))
            / (meanA.Squared().Plus(meanB.Squared()).Plus(Scalar(C1)) * varianceA.Plus(varianceB).Plus(Scalar(C2)));
        return similarity.mean().ReadDouble();
    }

    // The window is separable: rows, then columns.
    private static Tensor Mean(Tensor x)
    {
        double[] weights = [.. Enumerable.Range(-Radius, MinSide).Select(offset => Math.Exp(-(offset * offset) / (2 * Sigma * Sigma)))];
        var sum = weights.Sum();
        return Along(Along(nn.functional.pad(x, [Radius, Radius, Radius, Radius], TorchSharp.PaddingModes.Reflect), 2), 3);

        Tensor Along(Tensor wide, int dimension) => weights.Index()
            .Select(weight => wide.narrow(dimension, weight.Index, wide.shape[dimension] - (2 * Radius)) * Scalar(weight.Item / sum)).Aggregate((a, b) => a.Plus(b));
    }

    // [3, 1, H, W] float64: channels as a batch.
    private static Tensor Pixels(Image image) => image.ToTensor().permute(2, 0, 1).unsqueeze(1).to(ScalarType.Float64).div(Scalar(255));
}
