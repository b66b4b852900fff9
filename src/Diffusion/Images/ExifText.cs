using System.Buffers.Binary;
using System.Text;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// The texts of JPEG and WebP files, which have no text chunks: image generators write them into the EXIF block. AUTOMATIC1111's web UI
/// uses the user comment, ComfyUI the camera maker and model.
/// </summary>
internal static class ExifText
{
    private const int MaxFile = 1 << 28, MaxText = PngText.MaxBytes;
    private const ushort Description = 0x010E, Make = 0x010F, Model = 0x0110, Software = 0x0131, MoreTags = 0x8769, UserComment = 0x9286;
    private const int EntrySize = 12, CodeSize = 8;

    private static ReadOnlySpan<byte> JpegPrefix => "Exif\0\0"u8;

    /// <summary>Reads the texts of an image; none if it has another format or its EXIF block is damaged.</summary>
    /// <param name="image">The file, from the current position.</param>
    public static IReadOnlyList<PngText> ReadAll(Stream image)
    {
        using var copy = new MemoryStream();
        if (image.CanSeek && image.Length - image.Position > MaxFile)
            return [];
        image.CopyTo(copy);
        var file = copy.GetBuffer().AsSpan(0, (int)copy.Length);
        var tiff = file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8]) ? OfJpeg(file)
            : file.Length > 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8) ? OfWebp(file) : default;
        var texts = new List<PngText>();
        if (tiff.Length >= 8 && (tiff.StartsWith("II"u8) || tiff.StartsWith("MM"u8)))
        {
            var left = PngText.MaxTotalBytes;
            if (AddDirectory(texts, tiff, Number(tiff, tiff[4..8]), ref left) is { } inner)
                AddDirectory(texts, tiff, inner, ref left);
        }

        return texts;
    }

    // Segments before the pixels: a two-byte marker, then a length that includes itself.
    private static ReadOnlySpan<byte> OfJpeg(ReadOnlySpan<byte> file)
    {
        const int StartOfScan = 0xDA, Application1 = 0xE1;
        for (var rest = file[2..]; rest.Length > 4 && rest[0] == 0xFF && rest[1] != StartOfScan;)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            if (length < 2 || length + 2 > rest.Length)
                break;
            var content = rest[4..(length + 2)];
            if (rest[1] == Application1 && content.StartsWith(JpegPrefix))
                return content[JpegPrefix.Length..];
            rest = rest[(length + 2)..];
        }

        return default;
    }

    private static ReadOnlySpan<byte> OfWebp(ReadOnlySpan<byte> file)
    {
        for (var rest = file[12..]; rest.Length > 8;)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            if (length > rest.Length - 8)
                break;
            var content = rest.Slice(8, (int)length);
            if (rest.StartsWith("EXIF"u8))
                return content.StartsWith(JpegPrefix) ? content[JpegPrefix.Length..] : content;
            rest = rest[Math.Min(rest.Length, 8 + (int)length + ((int)length & 1))..];
        }

        return default;
    }

    // Returns the offset of a nested directory, if there is one. Many entries may share one offset, so their total size is limited.
    private static uint? AddDirectory(List<PngText> texts, ReadOnlySpan<byte> tiff, uint start, ref int left)
    {
        uint? more = null;
        if (start > tiff.Length - 2)
            return more;
        var entries = tiff[(int)start..];
        var count = Number(tiff, entries[..2]);
        entries = entries[2..];
        for (; count > 0 && entries.Length >= EntrySize && texts.Count < PngText.MaxCount; count--, entries = entries[EntrySize..])
        {
            var (tag, length) = ((ushort)Number(tiff, entries[..2]), Number(tiff, entries[4..8]));
            var value = entries[8..EntrySize];
            if (tag == MoreTags)
                more ??= Number(tiff, value);
            if (tag is not (Description or Make or Model or Software or UserComment) || length > Math.Min(MaxText, left))
                continue;
            // Values longer than the field are stored elsewhere, at the offset in the field.
            var place = Number(tiff, value);
            if (length > 4 && place + (ulong)length > (ulong)tiff.Length)
                continue;
            left -= (int)length;
            var bytes = length <= 4 ? value[..(int)length] : tiff.Slice((int)place, (int)length);
            Add(texts, tag, tag == UserComment ? Comment(bytes, isBig: tiff[0] == 'M') : Text(bytes));
        }

        return more;
    }

    private static void Add(List<PngText> texts, ushort tag, string text)
    {
        if (text.Length == 0)
            return;
        // ComfyUI prefixes the text with its name, and uses any tag.
        foreach (var name in new[] { "prompt", "workflow" })
        {
            if (text.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase) && tag != UserComment)
            {
                texts.Add(new PngText(name, text[(name.Length + 1)..].Trim()));
                return;
            }
        }

        // A user comment counts as generation settings only if it parses as such; a camera's comment does not.
        if (tag == UserComment && GenerationParameters.Parse(text).Settings.Count > 0)
            texts.Add(new PngText(GenerationParameters.Keyword, text));
        else
            texts.Add(new PngText(tag switch { Description => "Description", Make => "Make", Model => "Model", Software => "Software", _ => "UserComment" }, text));
    }

    // The first eight bytes name the encoding. Programs disagree on the byte order of "Unicode", but most of such a text is ASCII, which
    // reveals it.
    private static string Comment(ReadOnlySpan<byte> bytes, bool isBig)
    {
        if (bytes.Length < CodeSize)
            return "";
        var text = bytes[CodeSize..];
        if (!bytes.StartsWith("UNICODE"u8))
            return Text(text);
        var (even, odd) = (0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == 0)
                _ = (i & 1) == 0 ? even++ : odd++;
        }

        return ((even == odd ? isBig : even > odd) ? Encoding.BigEndianUnicode : Encoding.Unicode).GetString(text).Trim('\0', '\uFEFF', ' ');
    }

    private static string Text(ReadOnlySpan<byte> bytes) => PngText.Utf8OrLatin(bytes.TrimEnd((byte)0)).Trim('\0', ' ');

    // A two- or four-byte number in the byte order of the block.
    private static uint Number(ReadOnlySpan<byte> tiff, ReadOnlySpan<byte> bytes) => (tiff[0] == 'M', bytes.Length) switch
    {
        (true, 2) => BinaryPrimitives.ReadUInt16BigEndian(bytes),
        (false, 2) => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        (true, _) => BinaryPrimitives.ReadUInt32BigEndian(bytes),
        (false, _) => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
    };
}
