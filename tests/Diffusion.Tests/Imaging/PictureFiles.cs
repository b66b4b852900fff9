using System.Buffers.Binary;
using PromptToPrompt.Diffusion.Imaging;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Tests.Imaging;

/// <summary>Makes encoded pictures.</summary>
internal static class PictureFiles
{
    /// <summary>A picture in which no two of its first 256 × 256 pixels are alike.</summary>
    public static Picture Gradient(int width, int height)
    {
        var rgb = new byte[width * height * 3];
        for (var i = 0; i < width * height; i++)
        {
            rgb[i * 3] = (byte)(i % width);
            rgb[(i * 3) + 1] = (byte)(i / width);
            rgb[(i * 3) + 2] = (byte)((i % width * 7) + (i / width * 13));
        }

        return new Picture(width, height, rgb);
    }

    public static byte[] Encoded(Picture picture, SKEncodedImageFormat format = SKEncodedImageFormat.Png, int quality = 100)
    {
        using var bitmap = picture.ToBitmap();
        using var data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    /// <summary>A PNG of one colour, from a bitmap of the given form.</summary>
    public static byte[] Flat(SKColorType type, SKAlphaType alpha, SKColor colour)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(4, 4, type, alpha));
        bitmap.Erase(colour);
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>A JPEG with an EXIF block that gives it an orientation.</summary>
    public static byte[] WithOrientation(byte[] jpeg, ushort orientation)
    {
        // The marker and its length, "Exif", a little-endian TIFF header, and one directory with the one entry 0x0112.
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0,
        ];
        return [.. jpeg[..2], .. exif, .. jpeg[2..]];
    }

    /// <summary>A PNG whose header claims a size, with a right checksum.</summary>
    public static byte[] Claiming(byte[] png, int width, int height)
    {
        var claiming = png.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(claiming.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(claiming.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(claiming.AsSpan(29), Checksum(claiming.AsSpan(12, 17)));
        return claiming;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }

        return ~crc;
    }
}
