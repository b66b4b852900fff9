using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// Reads the chunks of PNG, WebP and GIF files, to check that the file is complete and to find the orientation. Decoders
/// accept truncated files and ignore orientations.
/// </summary>
internal static class ImageChunks
{
    // More than any EXIF block contains.
    private const int MaxTextLength = 1 << 20;

    // A file has one, or two of different names. A text of zeros is compressed to a thousandth, so a file of texts could take minutes.
    private const int MaxTexts = 8;

    // Of each byte, for the checksum.
    private static readonly uint[] Remainders = [.. Enumerable.Range(0, byte.MaxValue + 1).Select(value => Remainder((uint)value))];

    /// <summary>Whether a PNG file is complete, except possibly for its end marker.</summary>
    /// <param name="file">The file.</param>
    /// <param name="orientation">Set to the EXIF orientation, if the file has one.</param>
    public static bool IsWholePng(ReadOnlySpan<byte> file, ref int orientation)
    {
        var texts = 0;
        for (var rest = file[8..]; rest.Length > 0;)
        {
            // Length, type, content, checksum.
            if (rest.Length < 8)
                return "IEND"u8.StartsWith(rest.Length > 4 ? rest[4..] : default) && IsPrefixOfZero(rest[..Math.Min(4, rest.Length)]);
            var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            var type = rest.Slice(4, 4);
            if (type.SequenceEqual("IEND"u8))
                return true;
            if (length + 12L > rest.Length)
                return false;
            var content = rest.Slice(8, (int)length);
            if (type.SequenceEqual("eXIf"u8))
                orientation = TiffDirectory.OrientationOf(content);
            else if (orientation == 1 && (type.SequenceEqual("zTXt"u8) || type.SequenceEqual("tEXt"u8)) && IsExif(content) && texts++ < MaxTexts)
                orientation = OrientationOfText(content, isCompressed: type[0] == 'z');
            rest = rest[(8 + content.Length + 4)..];
        }

        return true;

        static bool IsPrefixOfZero(ReadOnlySpan<byte> bytes) => !bytes.ContainsAnyExcept((byte)0);
    }

    /// <summary>Whether a WebP file is complete.</summary>
    /// <inheritdoc cref="IsWholePng"/>
    public static bool IsWholeWebp(ReadOnlySpan<byte> file, ref int orientation)
    {
        // Many writers omit the byte that pads the last chunk to an even length.
        const int HeaderLength = 12;
        if (file.Length < HeaderLength)
            return false;
        var claimed = BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) + 8L;
        if (claimed < HeaderLength || file.Length + 1L < claimed)
            return false;
        var rest = file[HeaderLength..(int)Math.Min(file.Length, claimed)];
        while (rest.Length >= 8)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            if (length + 8L > rest.Length)
                return false;
            if (rest.StartsWith("EXIF"u8))
                orientation = TiffDirectory.OrientationOf(rest.Slice(8, (int)length));
            rest = rest[(int)Math.Min(rest.Length, 8 + length + (length & 1))..];
        }

        return rest.Length <= 1;
    }

    /// <summary>Whether a GIF file is complete, except possibly for its end marker; unknown data is left to the decoder.</summary>
    public static bool IsWholeGif(ReadOnlySpan<byte> file)
    {
        const int TableFlag = 0x80;
        var at = 13;
        if (file.Length < at)
            return false;
        at += Table(file[10]);
        var images = 0;
        while (at < file.Length)
        {
            switch (file[at])
            {
                case 0x21:
                    at += 2;
                    break;
                case 0x2C:
                    if (at + 10 > file.Length)
                        return false;
                    // The color table, and a byte for the initial code length.
                    at += 10 + Table(file[at + 9]) + 1;
                    images++;
                    break;
                default:
                    return true;
            }

            // Blocks of up to 255 bytes; an empty block ends the list.
            for (var length = -1; length != 0; at += length + 1)
            {
                if (at >= file.Length)
                    return false;
                length = file[at];
            }
        }

        return at == file.Length && images > 0;

        static int Table(byte flags) => (flags & TableFlag) == 0 ? 0 : 3 << ((flags & 7) + 1);
    }

    /// <summary>The checksum of a PNG chunk: CRC-32 (ISO 3309) of its type and content.</summary>
    public static uint Checksum(ReadOnlySpan<byte> chunk)
    {
        var crc = uint.MaxValue;
        foreach (var value in chunk)
            crc = (crc >> 8) ^ Remainders[(byte)(crc ^ value)];
        return ~crc;
    }

    private static uint Remainder(uint crc)
    {
        const uint Polynomial = 0xEDB88320;
        for (var bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) * Polynomial);
        return crc;
    }

    private static bool IsExif(ReadOnlySpan<byte> text) => text.StartsWith("Raw profile type exif\0"u8) || text.StartsWith("Raw profile type APP1\0"u8);

    // Before PNG had a chunk for EXIF, ImageMagick wrote it as text: a name, the length, and hexadecimal digits.
    private static int OrientationOfText(ReadOnlySpan<byte> content, bool isCompressed)
    {
        var end = content.IndexOf((byte)0);
        try
        {
            var text = isCompressed ? Inflated(content[(end + 2)..]) : Encoding.Latin1.GetString(content[(end + 1)..]);
            var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            return words.Length < 3 ? 1 : TiffDirectory.OrientationOf(Convert.FromHexString(string.Concat(words[2..])));
        }
        catch (Exception e) when (e is FormatException or InvalidDataException or ArgumentOutOfRangeException)
        {
            return 1;
        }
    }

    private static string Inflated(ReadOnlySpan<byte> compressed)
    {
        using var inflater = new ZLibStream(new MemoryStream(compressed.ToArray()), CompressionMode.Decompress);
        var text = new byte[MaxTextLength];
        return Encoding.Latin1.GetString(text, 0, inflater.ReadAtLeast(text, text.Length, throwOnEndOfStream: false));
    }
}
