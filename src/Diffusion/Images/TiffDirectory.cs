using System.Buffers.Binary;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>Reads the first directory of a TIFF file; EXIF blocks have the same format.</summary>
internal static class TiffDirectory
{
    public const ushort DngVersion = 0xC612;

    private const ushort Orientation = 0x0112;
    private const int EntrySize = 12;

    /// <summary>The orientation in an EXIF block, 1 to 8; 1 by default.</summary>
    /// <param name="exif">The block, with or without JPEG's prefix.</param>
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

    /// <summary>Visits the tags of the directory up to its end or the end of the data, each with its value as a 16-bit number.</summary>
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

        // Values of up to four bytes are left-aligned in their field; some writers use a byte or four bytes for a 16-bit value.
        ushort Value(ReadOnlySpan<byte> entry) => Short(entry[2..]) switch
        {
            1 => entry[8],
            4 => isLittle ? Short(entry[8..]) : Short(entry[10..]),
            _ => Short(entry[8..]),
        };
    }
}
