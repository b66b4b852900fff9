using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>Shows a mask as red over a picture.</summary>
internal static class MaskOverlay
{
    private static readonly byte[] Tint = [235, 60, 50];

    /// <summary>Draws a mask over a picture of the same size.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="binary">The black-and-white mask.</param>
    public static Image Draw(Image image, Image binary)
    {
        var drawn = image.Rgb.ToArray();
        for (var i = 0; i < drawn.Length; i++)
        {
            if (binary.Rgb[i] > 0)
                drawn[i] = (byte)((drawn[i] + Tint[i % 3]) / 2);
        }

        return image with { Rgb = drawn };
    }
}
