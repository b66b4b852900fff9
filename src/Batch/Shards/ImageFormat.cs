using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Batch.Shards;

/// <summary>How a data set stores images.</summary>
/// <param name="Extension"><c>png</c> or <c>jpg</c>.</param>
/// <param name="Quality">Quality of JPEG, 1 to 100.</param>
internal sealed record ImageFormat(string Extension, int Quality)
{
    /// <summary>Largest quality of JPEG.</summary>
    public const int MaxQuality = 100;

    /// <summary>Lossless.</summary>
    public static ImageFormat Png { get; } = new("png", MaxQuality);

    /// <summary>JPEG of some quality.</summary>
    public static ImageFormat Jpeg(int quality) => new("jpg", quality);

    /// <summary>Encodes an image.</summary>
    public byte[] Encode(Image image)
    {
        if (Extension == Png.Extension)
            return image.ToPng();
        using var bitmap = image.ToBitmap();
        using var encoded = bitmap.Encode(SKEncodedImageFormat.Jpeg, Quality);
        return encoded.ToArray();
    }
}
