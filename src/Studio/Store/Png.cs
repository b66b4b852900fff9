using PromptToPrompt.Diffusion.Imaging;
using SkiaSharp;

namespace PromptToPrompt.Studio.Store;

/// <summary>Pictures as they are stored and sent.</summary>
internal static class Png
{
    /// <summary>A picture as the bytes of a PNG file.</summary>
    public static byte[] ToPng(this Picture picture)
    {
        using var bitmap = picture.ToBitmap();
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
