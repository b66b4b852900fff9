using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Metrics;

/// <summary>
/// An image with the masked part black. Published evaluations compare the rest in this way: both images times (1 − mask), then the mean over the whole image.
/// </summary>
internal static class OutsideMask
{
    /// <summary>Blackens a part of an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="mask">A mask of its size, white where it is edited.</param>
    public static Image Of(Image image, Image mask)
    {
        var rgb = (byte[])image.Rgb.Clone();
        for (var i = 0; i < rgb.Length; i++)
        {
            if (mask.Rgb[i] > 0)
                rgb[i] = 0;
        }

        return image with { Rgb = rgb };
    }
}
