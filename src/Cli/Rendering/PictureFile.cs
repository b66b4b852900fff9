using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>Reads pictures that people give.</summary>
internal static class PictureFile
{
    /// <exception cref="InvalidInputException">There is no such file, or it is not a picture.</exception>
    public static Picture Load(string path)
    {
        if (!File.Exists(path))
            throw new InvalidInputException($"there is no file {path}; check the path.");
        using var codec = SKCodec.Create(path);
        using var bitmap = codec is null ? null : SKBitmap.Decode(codec, new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        if (bitmap is null)
            throw new InvalidInputException($"{path} is not a picture that can be read; use PNG, JPEG or WebP.");
        var rgba = bitmap.GetPixelSpan();
        var rgb = new byte[bitmap.Width * bitmap.Height * 3];
        for (var i = 0; i < rgb.Length / 3; i++)
            rgba.Slice(i * 4, 3).CopyTo(rgb.AsSpan(i * 3));
        return new Picture(bitmap.Width, bitmap.Height, rgb);
    }
}
