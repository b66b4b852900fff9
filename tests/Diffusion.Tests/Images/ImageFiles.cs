using System.Buffers.Binary;
using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Tests.Images;

/// <summary>Makes encoded pictures.</summary>
internal static class ImageFiles
{
    /// <summary>A picture in which no two of its first 256 × 256 pixels are alike.</summary>
    public static Image Gradient(int width, int height)
    {
        var rgb = new byte[width * height * 3];
        for (var i = 0; i < width * height; i++)
        {
            rgb[i * 3] = (byte)(i % width);
            rgb[(i * 3) + 1] = (byte)(i / width);
            rgb[(i * 3) + 2] = (byte)((i % width * 7) + (i / width * 13));
        }

        return new Image(width, height, rgb);
    }

    public static byte[] Encoded(Image image, SKEncodedImageFormat format = SKEncodedImageFormat.Png, int quality = 100)
    {
        using var bitmap = image.ToBitmap();
        using var data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    /// <summary>A PNG of one color, from a bitmap of the given form.</summary>
    public static byte[] Flat(SKColorType type, SKAlphaType alpha, SKColor color)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(4, 4, type, alpha));
        bitmap.Erase(color);
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>Waves of all lengths, the shorter the weaker, and an edge: as much detail as photographs have.</summary>
    public static Image Photograph(int width, int height)
    {
        var rgb = new byte[width * height * 3];
        // One row of each wave along x, and its phase along y, so that no sine is worked out for each pixel.
        var waves = Enumerable.Range(0, 8).Select(octave => Enumerable.Range(0, 1 << 12).Select(i => 64 / (1 << octave) * Math.Sin(i * Math.Tau / (1 << 12))).ToArray()).ToArray();
        for (var i = 0; i < rgb.Length; i++)
        {
            var (x, y, channel) = ((i / 3 % width) << 12, (i / 3 / width) << 12, i % 3);
            var value = 128.0;
            for (var octave = 0; octave < waves.Length; octave++)
                value += waves[octave][((((x / width) + (y / height * (octave + channel) / 3)) << octave) + (octave * 700)) & 0xFFF];
            var (dx, dy) = ((i / 3 % width) - (width / 2), (i / 3 / width) - (height / 3));
            rgb[i] = (byte)Math.Clamp(value + ((dx * dx) + (dy * dy) < width * height / 30 ? 40 : 0), 0, 255);
        }

        return new Image(width, height, rgb);
    }

    /// <summary>A file with an EXIF block that gives it an orientation, where its format has such a block.</summary>
    public static byte[] WithOrientation(byte[] file, ushort orientation, bool isBigEndian = false)
    {
        // A TIFF header, and one directory with the one entry 0x0112.
        byte[] exif = isBigEndian
            ? [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0]
            : [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0];
        return file[0] switch
        {
            0xFF => [.. file[..2], 0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. exif, .. file[2..]],
            0x89 => WithChunk(file, "eXIf", exif),
            _ => WithExif(file, exif),
        };
    }

    /// <summary>A PNG with the text that ImageMagick writes an EXIF block as.</summary>
    public static byte[] WithRawProfile(byte[] png, ushort orientation, bool isCompressed)
    {
        byte[] exif = [.. "Exif\0\0"u8, .. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0];
        var text = System.Text.Encoding.Latin1.GetBytes($"\nexif\n{exif.Length,8}\n{Convert.ToHexStringLower(exif)[..40]}\n{Convert.ToHexStringLower(exif)[40..]}\n");
        if (!isCompressed)
            return WithChunk(png, "tEXt", [.. "Raw profile type exif\0"u8, .. text]);
        return WithRawProfiles(png, text, 1);
    }

    /// <summary>A PNG with copies of a compressed text.</summary>
    public static byte[] WithRawProfiles(byte[] png, byte[] text, int copies)
    {
        using var compressed = new MemoryStream();
        using (var deflater = new System.IO.Compression.ZLibStream(compressed, System.IO.Compression.CompressionLevel.Optimal, leaveOpen: true))
            deflater.Write(text);
        var chunk = Chunk("zTXt", [.. "Raw profile type exif\0\0"u8, .. compressed.ToArray()]);
        return [.. png[..33], .. Enumerable.Repeat(chunk, copies).SelectMany(copy => copy), .. png[33..]];
    }

    /// <summary>A PNG of its own making: any type of color and depth, rows given as they are stored.</summary>
    public static byte[] Png(int width, int height, byte depth, byte type, byte[] rows, byte[]? palette = null, byte[]? transparency = null) => PngOfRows(
        width, height, depth, type, [.. Enumerable.Range(0, height).SelectMany(y => (byte[])[0, .. rows.AsSpan(y * (rows.Length / height), rows.Length / height)])], palette, transparency);

    /// <summary>A PNG file of rows that begin with their filter.</summary>
    public static byte[] PngOfRows(int width, int height, byte depth, byte type, byte[] rows, byte[]? palette = null, byte[]? transparency = null)
    {
        using var compressed = new MemoryStream();
        using (var deflater = new System.IO.Compression.ZLibStream(compressed, System.IO.Compression.CompressionLevel.Optimal, leaveOpen: true))
            deflater.Write(rows);
        return PngOfData(width, height, depth, type, compressed.ToArray(), palette, transparency);
    }

    /// <summary>A PNG file of compressed data.</summary>
    public static byte[] PngOfData(int width, int height, byte depth, byte type, byte[] data, byte[]? palette = null, byte[]? transparency = null)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (depth, type);
        return
        [
            0x89, .. "PNG\r\n\x1A\n"u8, .. Chunk("IHDR", header), .. palette is null ? [] : Chunk("PLTE", palette),
            .. transparency is null ? [] : Chunk("tRNS", transparency), .. Chunk("IDAT", data), .. Chunk("IEND", []),
        ];
    }

    private static byte[] WithChunk(byte[] png, string type, byte[] content) => [.. png[..33], .. Chunk(type, content), .. png[33..]];

    private static byte[] Chunk(string type, byte[] content)
    {
        byte[] chunk = [0, 0, 0, 0, .. System.Text.Encoding.ASCII.GetBytes(type), .. content, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Checksum(chunk.AsSpan(4, chunk.Length - 8)));
        return chunk;
    }

    // The extended form of WebP: a header that says what follows, the picture's own chunks, and the block.
    private static byte[] WithExif(byte[] webp, byte[] exif)
    {
        using var read = SKCodec.Create(new MemoryStream(webp));
        var header = new byte[10];
        header[0] = 0x08;
        (header[4], header[5]) = ((byte)(read.Info.Width - 1), (byte)((read.Info.Width - 1) >> 8));
        (header[7], header[8]) = ((byte)(read.Info.Height - 1), (byte)((read.Info.Height - 1) >> 8));
        byte[] extended = [.. webp[..12], .. "VP8X"u8, 10, 0, 0, 0, .. header, .. webp[12..], .. "EXIF"u8, (byte)exif.Length, 0, 0, 0, .. exif];
        BinaryPrimitives.WriteInt32LittleEndian(extended.AsSpan(4), extended.Length - 8);
        return extended;
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

    /// <summary>A small image as a file of some kind, or one of the stored files.</summary>
    public static byte[] Of(string kind)
    {
        var image = Gradient(117, 83);
        return kind switch
        {
            "png" => Encoded(image),
            "interlaced.png" => Fixture("interlaced.png"),
            "baseline.jpg" => Encoded(image, SKEncodedImageFormat.Jpeg, quality: 90),
            "lossy.webp" => Encoded(image, SKEncodedImageFormat.Webp, quality: 80),
            "lossless.webp" => Encoded(image, SKEncodedImageFormat.Webp, quality: 100),
            "gif" => Gif(),
            "bmp" => Bmp(image),
            _ => Fixture(kind),
        };
    }

    /// <summary>A stored file.</summary>
    public static byte[] Fixture(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "pictures", name));

    // Codes of nine bits that say each pixel by itself, and begin again before they would grow.
    private static byte[] Gif()
    {
        const int Side = 40;
        var codes = new List<int>();
        for (var i = 0; i < Side * Side; i++)
        {
            if (i % 100 == 0)
                codes.Add(256);
            codes.Add(i % 251);
        }

        codes.Add(257);
        var packed = new byte[((codes.Count * 9) + 7) / 8];
        for (var bit = 0; bit < codes.Count * 9; bit++)
            packed[bit / 8] |= (byte)((codes[bit / 9] >> (bit % 9) & 1) << (bit % 8));
        byte[] table = [.. Enumerable.Range(0, 256 * 3).Select(i => (byte)(i / 3))];
        return
        [
            .. "GIF89a"u8, Side, 0, Side, 0, 0xF7, 0, 0, .. table, 0x21, 0xF9, 4, 0, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0, Side, 0, Side, 0, 0, 8,
            .. packed.Chunk(255).SelectMany(block => block.Prepend((byte)block.Length)), 0, 0x3B,
        ];
    }

    private static byte[] Bmp(Image image)
    {
        var stride = ((image.Width * 3) + 3) / 4 * 4;
        var rows = new byte[stride * image.Height];
        for (var y = 0; y < image.Height; y++)
        {
            for (var x = 0; x < image.Width * 3; x++)
                rows[((image.Height - 1 - y) * stride) + x] = image.Rgb[(((y * image.Width) + (x / 3)) * 3) + 2 - (x % 3)];
        }

        return
        [
            .. "BM"u8, .. BitConverter.GetBytes(54 + rows.Length), 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, .. BitConverter.GetBytes(image.Width),
            .. BitConverter.GetBytes(image.Height), 1, 0, 24, 0, 0, 0, 0, 0, .. BitConverter.GetBytes(rows.Length), .. new byte[16], .. rows,
        ];
    }

    /// <summary>Opens a file.</summary>
    public static ImageFile Open(byte[] file)
    {
        using var stream = new MemoryStream(file);
        return ImageFile.Open(stream, "test");
    }

    /// <summary>Reads a file.</summary>
    public static Image Read(byte[] file)
    {
        using var opened = Open(file);
        return opened.Read();
    }
}
