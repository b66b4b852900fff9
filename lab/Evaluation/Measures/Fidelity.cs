using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Evaluation.Measures;

/// <summary>The quality of a reconstructed image.</summary>
/// <param name="Psnr">Peak signal-to-noise ratio in decibels.</param>
/// <param name="Ssim">Structural similarity, at most 1.</param>
internal readonly record struct Fidelity(double Psnr, double Ssim)
{
    /// <summary>Compares a reconstruction with the original image.</summary>
    public static Fidelity Of(Image image, Image back) => new(image.Psnr(back), StructuralSimilarity.Of(image, back));

    /// <summary>The mean of several values, separately for decibels and similarities.</summary>
    public static Fidelity Mean(IReadOnlyCollection<Fidelity> several) => new(several.Average(one => one.Psnr), several.Average(one => one.Ssim));
}
