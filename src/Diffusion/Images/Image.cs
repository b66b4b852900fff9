using PromptToPrompt.Diffusion.Storage.Files;
using SkiaSharp;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>An image in memory: 8-bit RGB, row-major.</summary>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Rgb">Width × Height × 3 bytes.</param>
public sealed record Image(int Width, int Height, byte[] Rgb)
{
    internal const int Channels = 3;

    // Large images are compressed faster: a seventh of the time for a file a sixth larger.
    internal const int Large = 1 << 22;
    private static readonly SKPngEncoderOptions Fast = new(SKPngEncoderFilterFlags.Sub, zLibLevel: 1);

    /// <summary>Width and height.</summary>
    public PixelSize Size => new(Width, Height);

    /// <summary>Reads an image from a file; see <see cref="ImageReader"/> for the formats.</summary>
    /// <exception cref="InvalidInputException">The file is missing, not an image, damaged, or too large.</exception>
    public static Image Load(string path) => ImageReader.Read(path);

    /// <summary>Converts the image to the autoencoder's input: [1, 3, Height, Width] float32 in −1…1.</summary>
    /// <param name="device">Device of the tensor; null for the CPU.</param>
    public Tensor ToPixels(Device? device = null)
    {
        using var scope = NewDisposeScope();
        return ToTensor().to(device ?? CPU).permute(2, 0, 1).unsqueeze(0).to(ScalarType.Float32).div(Scalar(127.5)).sub(Scalar(1)).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Resizes the image: antialiased bicubic, each side independently.</summary>
    public Image Resize(int width, int height) => BicubicResampler.Resize(this, PixelRectangle.Whole(Size), width, height);

    /// <summary>Peak signal-to-noise ratio to another image of the same size, in decibels; infinite for equal images.</summary>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public double Psnr(Image other)
    {
        if (Size != other.Size)
            throw new ArgumentException($"Images of {Size} and {other.Size} pixels cannot be compared.", nameof(other));
        var squares = Rgb.Zip(other.Rgb, (a, b) => (double)(a - b) * (a - b)).Sum();
        return 10 * Math.Log10(255.0 * 255 * Rgb.Length / squares);
    }

    /// <summary>Mirrors the image horizontally.</summary>
    public Image Mirror()
    {
        var mirrored = new byte[Rgb.Length];
        for (var pixel = 0; pixel < Width * Height; pixel++)
        {
            var (row, column) = Math.DivRem(pixel, Width);
            Rgb.AsSpan(pixel * Channels, Channels).CopyTo(mirrored.AsSpan(((row * Width) + Width - 1 - column) * Channels));
        }

        return this with { Rgb = mirrored };
    }

    /// <summary>Extends the image to a larger size by repeating its edge pixels.</summary>
    /// <param name="size">Size of the larger image.</param>
    /// <param name="x">Column of this image's left edge in the larger image.</param>
    /// <param name="y">Row of this image's top edge in the larger image.</param>
    public Image Extend(PixelSize size, int x, int y)
    {
        var extended = new byte[size.Width * size.Height * Channels];
        for (var row = 0; row < size.Height; row++)
        {
            var source = Row(Math.Clamp(row - y, 0, Height - 1));
            for (var column = 0; column < size.Width; column++)
            {
                source.Slice(Math.Clamp(column - x, 0, Width - 1) * Channels, Channels)
                    .CopyTo(extended.AsSpan(((row * size.Width) + column) * Channels));
            }
        }

        return new Image(size.Width, size.Height, extended);
    }

    /// <summary>Converts the image to a tensor, [Height, Width, 3] uint8.</summary>
    public Tensor ToTensor() => tensor(Rgb, [Height, Width, 3], device: CPU);

    /// <summary>Copies the image into a bitmap.</summary>
    internal SKBitmap ToBitmap()
    {
        var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var pixels = bitmap.GetPixelSpan();
        for (int source = 0, target = 0; source < Rgb.Length; source += Channels, target += 4)
        {
            Rgb.AsSpan(source, Channels).CopyTo(pixels[target..]);
            pixels[target + Channels] = byte.MaxValue;
        }

        return bitmap;
    }

    /// <summary>Encodes the image as PNG.</summary>
    public byte[] ToPng() => ToPng([]);

    /// <summary>Encodes the image as PNG with text metadata.</summary>
    internal byte[] ToPng(params IEnumerable<PngText> texts)
    {
        using var bitmap = ToBitmap();
        return PngText.AddTo(EncodePng(bitmap), texts);
    }

    /// <summary>Encodes a bitmap as PNG.</summary>
    internal static byte[] EncodePng(SKBitmap bitmap)
    {
        using var pixels = bitmap.PeekPixels();
        using var png = new MemoryStream();
        pixels.Encode(png, (long)bitmap.Width * bitmap.Height > Large ? Fast : SKPngEncoderOptions.Default);
        return png.ToArray();
    }

    /// <summary>Writes the image as PNG, atomically.</summary>
    /// <param name="path">Destination path.</param>
    public void SavePng(string path) => SavePng(path, []);

    /// <summary>Writes the image as PNG with text metadata, atomically.</summary>
    internal void SavePng(string path, params IEnumerable<PngText> texts)
    {
        var png = ToPng(texts);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>Writes a bitmap as PNG, atomically.</summary>
    /// <param name="bitmap">The bitmap.</param>
    /// <param name="path">Destination path.</param>
    /// <param name="texts">Text metadata.</param>
    internal static void SavePng(SKBitmap bitmap, string path, params IEnumerable<PngText> texts)
    {
        var png = PngText.AddTo(EncodePng(bitmap), texts);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    internal ReadOnlySpan<byte> Row(int y) => Rgb.AsSpan(y * Width * Channels, Width * Channels);
}
