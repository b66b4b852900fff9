using PromptToPrompt.Diffusion.Storage.Files;
using SkiaSharp;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>A picture in memory: 8-bit RGB, row by row.</summary>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
/// <param name="Rgb">Width × Height × 3 bytes.</param>
public sealed record Picture(int Width, int Height, byte[] Rgb)
{
    internal const int Channels = 3;

    // A photograph is written in a seventh of the time, and its file is a sixth longer.
    private const int Large = 1 << 22;
    private static readonly SKPngEncoderOptions Fast = new(SKPngEncoderFilterFlags.Sub, zLibLevel: 1);

    /// <summary>Width and height.</summary>
    public PixelSize Size => new(Width, Height);

    /// <summary>Reads a picture from a file; <see cref="PictureReader"/> says of what kinds and how.</summary>
    /// <exception cref="InvalidInputException">There is no such file, or it is no picture, damaged, or too large.</exception>
    public static Picture Load(string path) => PictureReader.Read(path);

    /// <summary>The picture as an autoencoder takes it: [1, 3, Height, Width] float32 in −1…1.</summary>
    /// <param name="device">Where to; the CPU when null.</param>
    public Tensor ToPixels(Device? device = null)
    {
        using var scope = NewDisposeScope();
        return ToTensor().to(device ?? CPU).permute(2, 0, 1).unsqueeze(0).to(ScalarType.Float32).div(Scalar(127.5)).sub(Scalar(1)).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>The picture at another size: antialiased bicubic, each side on its own.</summary>
    public Picture Resize(int width, int height) => BicubicResampler.Resize(this, PixelRectangle.Whole(Size), width, height);

    /// <summary>Peak signal-to-noise ratio between this picture and another of its size, in decibels; infinite for equal pictures.</summary>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public double Psnr(Picture other)
    {
        if (Size != other.Size)
            throw new ArgumentException($"Pictures of {Size} and {other.Size} pixels cannot be compared.", nameof(other));
        var squares = Rgb.Zip(other.Rgb, (a, b) => (double)(a - b) * (a - b)).Sum();
        return 10 * Math.Log10(255.0 * 255 * Rgb.Length / squares);
    }

    /// <summary>The picture with left and right exchanged.</summary>
    public Picture Mirror()
    {
        var mirrored = new byte[Rgb.Length];
        for (var pixel = 0; pixel < Width * Height; pixel++)
        {
            var (row, column) = Math.DivRem(pixel, Width);
            Rgb.AsSpan(pixel * Channels, Channels).CopyTo(mirrored.AsSpan(((row * Width) + Width - 1 - column) * Channels));
        }

        return this with { Rgb = mirrored };
    }

    /// <summary>A larger picture with this one at a place of it, and this one's outermost pixels repeated all around.</summary>
    /// <param name="size">Size of the larger picture.</param>
    /// <param name="x">This picture's left column there.</param>
    /// <param name="y">This picture's top row there.</param>
    public Picture Extend(PixelSize size, int x, int y)
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

        return new Picture(size.Width, size.Height, extended);
    }

    /// <summary>The picture as [Height, Width, 3] uint8.</summary>
    public Tensor ToTensor() => tensor(Rgb, [Height, Width, 3], device: CPU);

    /// <summary>Copies the picture into a bitmap.</summary>
    public SKBitmap ToBitmap()
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

    /// <summary>The picture as a PNG file.</summary>
    /// <param name="texts">What the file says of the picture.</param>
    public byte[] ToPng(params IEnumerable<PngText> texts)
    {
        using var bitmap = ToBitmap();
        return PngText.AddTo(EncodePng(bitmap), texts);
    }

    /// <summary>A bitmap as a PNG file.</summary>
    public static byte[] EncodePng(SKBitmap bitmap)
    {
        using var pixels = bitmap.PeekPixels();
        using var png = new MemoryStream();
        pixels.Encode(png, (long)bitmap.Width * bitmap.Height > Large ? Fast : SKPngEncoderOptions.Default);
        return png.ToArray();
    }

    /// <summary>Writes the picture as PNG, under a temporary name until it is whole.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="texts">What the file says of the picture.</param>
    public void SavePng(string path, params IEnumerable<PngText> texts)
    {
        var png = ToPng(texts);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>Writes a bitmap as PNG, under a temporary name until it is whole.</summary>
    /// <param name="bitmap">The bitmap.</param>
    /// <param name="path">Where to.</param>
    /// <param name="texts">What the file says of it.</param>
    public static void SavePng(SKBitmap bitmap, string path, params IEnumerable<PngText> texts)
    {
        var png = PngText.AddTo(EncodePng(bitmap), texts);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    internal ReadOnlySpan<byte> Row(int y) => Rgb.AsSpan(y * Width * Channels, Width * Channels);
}
