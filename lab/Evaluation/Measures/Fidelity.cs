using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Evaluation.Measures;

/// <summary>How well a picture is brought back.</summary>
/// <param name="Psnr">Peak signal-to-noise ratio in decibels.</param>
/// <param name="Ssim">Structural similarity, at most 1.</param>
public readonly record struct Fidelity(double Psnr, double Ssim)
{
    /// <summary>Compares what was brought back with the picture.</summary>
    public static Fidelity Of(Picture picture, Picture back) => new(picture.Psnr(back), StructuralSimilarity.Of(picture, back));

    /// <summary>The mean of several, decibels and similarities each for themselves.</summary>
    public static Fidelity Mean(IReadOnlyCollection<Fidelity> several) => new(several.Average(one => one.Psnr), several.Average(one => one.Ssim));
}
