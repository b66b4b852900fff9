using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>Reads pictures that people give.</summary>
internal static class PictureFile
{
    /// <exception cref="InvalidInputException">There is no such file, or it is not a whole picture.</exception>
    public static Picture Load(string path)
    {
        if (!File.Exists(path))
            throw new InvalidInputException($"there is no file {path}; check the path.");
        using var codec = SKCodec.Create(path);
        if (codec is null)
            throw new InvalidInputException($"{path} is not a picture that can be read; use PNG, JPEG or WebP.");
        using var bitmap = new SKBitmap(new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        if (codec.GetPixels(bitmap.Info, bitmap.GetPixels()) != SKCodecResult.Success)
            throw new InvalidInputException($"{path} is damaged or breaks off; make the picture again.");
        var rgba = bitmap.GetPixelSpan();
        var rgb = new byte[bitmap.Width * bitmap.Height * 3];
        for (var i = 0; i < rgb.Length / 3; i++)
            rgba.Slice(i * 4, 3).CopyTo(rgb.AsSpan(i * 3));
        return new Picture(bitmap.Width, bitmap.Height, rgb);
    }
}
