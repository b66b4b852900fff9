using PromptToPrompt.Diffusion.Autoencoder;
using PromptToPrompt.Diffusion.Checkpoints;
using SkiaSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Imaging;

/// <summary>A picture in memory: 8-bit RGB, row by row.</summary>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
/// <param name="Rgb">Width × Height × 3 bytes.</param>
public sealed record Picture(int Width, int Height, byte[] Rgb)
{
    /// <summary>Decodes latents, [pictures, channels, h, w], one by one to bound memory.</summary>
    public static IReadOnlyList<Picture> Decode(AutoencoderKL vae, Tensor latents)
    {
        using var _ = no_grad();
        var pictures = new List<Picture>();
        for (var i = 0L; i < latents.shape[0]; i++)
        {
            using var scope = NewDisposeScope();
            var pixels = vae.Decode(latents.narrow(0, i, 1).to(ScalarType.Float32));
            // Upstream truncates to bytes instead of rounding; so do we, to match it.
            var bytes = pixels.mul(0.5).add_(0.5).clamp_(0, 1).mul_(255).to(ScalarType.Byte)[0].permute(1, 2, 0).contiguous().cpu();
            pictures.Add(new Picture((int)bytes.shape[1], (int)bytes.shape[0], bytes.data<byte>().ToArray()));
        }

        return pictures;
    }

    /// <summary>The picture as [Height, Width, 3] uint8.</summary>
    public Tensor ToTensor() => tensor(Rgb, [Height, Width, 3]);

    /// <summary>Copies the picture into a bitmap.</summary>
    public SKBitmap ToBitmap()
    {
        var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var pixels = new byte[Width * Height * 4];
        for (var i = 0; i < Width * Height; i++)
        {
            Rgb.AsSpan(i * 3, 3).CopyTo(pixels.AsSpan(i * 4));
            pixels[(i * 4) + 3] = 255;
        }

        System.Runtime.InteropServices.Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        return bitmap;
    }

    /// <summary>Writes the picture as PNG, under a temporary name until it is whole.</summary>
    public void SavePng(string path)
    {
        using var bitmap = ToBitmap();
        SavePng(bitmap, path);
    }

    /// <summary>Writes a bitmap as PNG, under a temporary name until it is whole.</summary>
    public static void SavePng(SKBitmap bitmap, string path)
    {
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        AtomicFile.Write(path, data.SaveTo);
    }
}
