using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Evaluation.Measures;

/// <summary>Brightness of an image's pixels.</summary>
internal static class Luminance
{
    /// <summary>Width × height values, 0…255, row-major, with the weights of ITU-R BT.601.</summary>
    public static double[] Of(Image image)
    {
        var luminance = new double[image.Width * image.Height];
        for (var i = 0; i < luminance.Length; i++)
            luminance[i] = (0.299 * image.Rgb[i * 3]) + (0.587 * image.Rgb[(i * 3) + 1]) + (0.114 * image.Rgb[(i * 3) + 2]);
        return luminance;
    }
}
