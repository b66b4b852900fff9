using System.Runtime.InteropServices;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Imaging;

/// <summary>
/// Reads encoded pictures: PNG, JPEG, WebP, GIF and BMP. The result is what a viewer shows: turned as EXIF says, colours converted to sRGB,
/// grey and CMYK as RGB, 16 bits as 8, transparency over white, and of an animation the first frame.
/// </summary>
public static class PictureReader
{
    /// <summary>Longest side that is read, in pixels.</summary>
    public const int MaxSide = 1 << 15;

    /// <summary>Most pixels that are read; the header's size is checked before anything is decoded. Decoding takes 7 bytes for each.</summary>
    public const long MaxPixels = 1L << 27;

    /// <summary>Longest file that is read, in bytes.</summary>
    public const int MaxBytes = 1 << 28;

    private const byte Opaque = byte.MaxValue;

    /// <summary>Reads a picture from a file.</summary>
    /// <exception cref="InvalidInputException">There is no such file, or it is no picture, damaged, or too large.</exception>
    public static Picture Read(string path)
    {
        if (Directory.Exists(path))
            throw new InvalidInputException($"{path} is a folder; give the path of a picture in it.");
        if (!File.Exists(path))
            throw new InvalidInputException($"there is no file {path}; check the path.");
        try
        {
            using var file = File.OpenRead(path);
            return Read(file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read ({e.Message}); check its permissions.", e);
        }
    }

    /// <summary>Reads a picture from a stream.</summary>
    /// <param name="stream">The encoded picture, from here to its end.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InvalidInputException">It is no picture, damaged, or too large.</exception>
    public static Picture Read(Stream stream, string name)
    {
        using var data = SKData.CreateCopy(Bytes(stream, name));
        using var codec = SKCodec.Create(data)
            ?? throw new InvalidInputException($"{name} is not a picture of a kind that can be read; convert it to PNG, JPEG or WebP.");
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if (Math.Max(width, height) > MaxSide || (long)width * height > MaxPixels)
        {
            throw new InvalidInputException(
                $"{name} has {width}x{height} pixels; pictures of up to {MaxSide} pixels a side and {MaxPixels >> 20} Mi pixels in all are read: make it smaller.");
        }

        return Turn(Decode(codec, name), width, height, codec.EncodedOrigin);
    }

    private static byte[] Bytes(Stream stream, string name)
    {
        // A length that is asked for beforehand would be wrong for pipes and devices.
        using var bytes = new MemoryStream();
        var chunk = new byte[1 << 16];
        for (int read; (read = stream.Read(chunk)) > 0;)
        {
            bytes.Write(chunk, 0, read);
            if (bytes.Length > MaxBytes)
                throw new InvalidInputException($"{name} is longer than {MaxBytes >> 20} MiB; give a smaller picture.");
        }

        return bytes.Length > 0 ? bytes.ToArray() : throw new InvalidInputException($"{name} is empty; give a picture.");
    }

    /// <summary>RGBA, row by row, as stored: not turned yet, colours not multiplied by alpha.</summary>
    private static byte[] Decode(SKCodec codec, string name)
    {
        using var srgb = SKColorSpace.CreateSrgb();
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul, srgb);
        var pixels = new byte[info.BytesSize64];
        var pinned = GCHandle.Alloc(pixels, GCHandleType.Pinned);
        try
        {
            return codec.GetPixels(info, pinned.AddrOfPinnedObject()) switch
            {
                SKCodecResult.Success => pixels,
                SKCodecResult.IncompleteInput => throw new InvalidInputException($"{name} is cut off before its end; copy or download it again."),
                var problem => throw new InvalidInputException($"{name} is damaged or of a form that cannot be read ({problem}); save it anew as PNG or JPEG."),
            };
        }
        finally
        {
            pinned.Free();
        }
    }

    // An origin says which corner of the seen picture the first stored pixel is in, and along which side the rows run.
    private static Picture Turn(byte[] rgba, int width, int height, SKEncodedOrigin origin)
    {
        var swapped = origin >= SKEncodedOrigin.LeftTop;
        var fromRight = origin is SKEncodedOrigin.TopRight or SKEncodedOrigin.BottomRight or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        var fromBottom = origin is SKEncodedOrigin.BottomRight or SKEncodedOrigin.BottomLeft or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom;
        var (turnedWidth, turnedHeight) = swapped ? (height, width) : (width, height);
        var rgb = new byte[width * height * Picture.Channels];
        var target = 0;
        for (var y = 0; y < turnedHeight; y++)
        {
            for (var x = 0; x < turnedWidth; x++)
            {
                var (column, row) = swapped ? (y, x) : (x, y);
                column = fromRight ? width - 1 - column : column;
                row = fromBottom ? height - 1 - row : row;
                var source = rgba.AsSpan(((row * width) + column) * 4, 4);
                for (var channel = 0; channel < Picture.Channels; channel++)
                    rgb[target++] = OverWhite(source[channel], source[3]);
            }
        }

        return new Picture(turnedWidth, turnedHeight, rgb);
    }

    private static byte OverWhite(int colour, int alpha) => (byte)(((colour * alpha) + (Opaque * (Opaque - alpha)) + (Opaque / 2)) / Opaque);
}
