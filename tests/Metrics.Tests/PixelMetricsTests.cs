using CsCheck;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Metrics.Tests;

[Trait("Category", "Slow")]
public sealed class PixelMetricsTests
{
    private const int MaxMegabytes = 500;

    [Fact]
    public void BandsOfAnySizeGiveTheSameResult() =>
        Gen.Select(Gen.Int[PixelMetrics.MinSide, 40], Gen.Int[PixelMetrics.MinSide, 40], Gen.Int[1, 1000], Gen.Int).Sample(
            (width, height, band, seed) =>
            {
                var (one, other) = (Noise(width, height, seed), Noise(width, height, seed + 1));
                var (whole, bands) = (PixelMetrics.Of(one, other, width * height), PixelMetrics.Of(one, other, band));
                Assert.Equal(whole.Mse, bands.Mse, 1e-12);
                Assert.Equal(whole.Psnr, bands.Psnr, 1e-9);
                Assert.Equal(whole.Ssim, bands.Ssim, 1e-9);
            },
            iter: 30);

    [Fact]
    public void EqualImagesHaveASimilarityOfOne()
    {
        var image = Noise(30, 20, 1);
        var equal = PixelMetrics.Of(image, image);
        Assert.Equal((0.0, double.PositiveInfinity), (equal.Mse, equal.Psnr));
        Assert.Equal(1, equal.Ssim, 1e-12);
    }

    [Fact]
    public void LargeImagesTakeLittleMemory()
    {
        Assert.SkipUnless(ProcessMemory.TryResetPeak(out var before), "The peak of this process's memory cannot be measured.");
        var image = Noise(600, 500, 1);
        Assert.Equal(1, PixelMetrics.Of(image, image).Ssim, 1e-9);
        Assert.InRange(ProcessMemory.PeakMegabytes() - before, 0, MaxMegabytes);
    }

    private static Image Noise(int width, int height, int seed)
    {
        var rgb = new byte[width * height * 3];
        new Random(seed).NextBytes(rgb);
        return new Image(width, height, rgb);
    }
}
