using System.Buffers.Binary;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>The first directory of a TIFF file, the form that EXIF blocks have as well.</summary>
internal static class TiffDirectory
{
    public const ushort DngVersion = 0xC612;

    private const ushort Orientation = 0x0112;
    private const int EntrySize = 12;

    /// <summary>The orientation that an EXIF block gives, 1 to 8; 1 where it gives none.</summary>
    /// <param name="exif">The block, with or without the word that JPEG puts before it.</param>
    public static int OrientationOf(ReadOnlySpan<byte> exif)
    {
        var found = 1;
        Visit(exif.StartsWith("Exif\0\0"u8) ? exif[6..] : exif, (tag, value) =>
        {
            if (tag == Orientation && value is >= 1 and <= 8)
                found = value;
        });
        return found;
    }

    /// <summary>Visits the tags of the directory as far as it goes, each with its value as one 16-bit number.</summary>
    public static void Visit(ReadOnlySpan<byte> tiff, Action<ushort, ushort> visit)
    {
        if (tiff.Length < 8)
            return;
        var isLittle = tiff[0] == 'I';
        if (!(tiff.StartsWith("II"u8) || tiff.StartsWith("MM"u8)) || Short(tiff[2..]) != 42)
            return;
        var start = isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (start > tiff.Length - 2)
            return;
        var entries = tiff[(int)start..];
        for (var (left, at) = (Short(entries), 2); left > 0 && at + EntrySize <= entries.Length; left--, at += EntrySize)
            visit(Short(entries[at..]), Value(entries.Slice(at, EntrySize)));

        ushort Short(ReadOnlySpan<byte> bytes) => isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

        // Numbers of up to four bytes stand left in their field; some writers take a byte or four for what should be two.
        ushort Value(ReadOnlySpan<byte> entry) => Short(entry[2..]) switch
        {
            1 => entry[8],
            4 => isLittle ? Short(entry[8..]) : Short(entry[10..]),
            _ => Short(entry[8..]),
        };
    }
}
