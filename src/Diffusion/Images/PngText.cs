using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>A text chunk of a PNG file.</summary>
/// <param name="Keyword">The keyword: 1 to 79 characters of Latin-1.</param>
/// <param name="Text">The text; lines end with a line feed.</param>
internal readonly record struct PngText(string Keyword, string Text)
{
    /// <summary>Keyword of the complete JSON record in images made by this program.</summary>
    public const string RecordKeyword = "p2p";

    private const int ChunkFrame = 12;
    private const int MaxKeyword = 79;

    /// <summary>Maximum length of a text in bytes, compressed or not; longer texts are skipped.</summary>
    public const int MaxBytes = 1 << 24;

    /// <summary>Maximum length of all texts of a file together in bytes, compressed or not; later texts are skipped.</summary>
    public const int MaxTotalBytes = 1 << 25;

    /// <summary>Maximum number of texts to read from a file; later ones are skipped.</summary>
    public const int MaxCount = 100;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// Reads the texts of a PNG file: plain (tEXt), compressed (zTXt) and international (iTXt), before or after the pixels. Files of other
    /// formats have none; of a truncated or damaged file the readable texts are returned.
    /// </summary>
    /// <param name="png">The file, from the current position.</param>
    public static IReadOnlyList<PngText> ReadAll(Stream png) => ReadAll(png, out _);

    /// <inheritdoc cref="ReadAll(Stream)"/>
    /// <param name="png">The file, from the current position.</param>
    /// <param name="isPartial">Whether a text is damaged or too long, and was skipped.</param>
    public static IReadOnlyList<PngText> ReadAll(Stream png, out bool isPartial)
    {
        isPartial = false;
        var texts = new List<PngText>();
        Span<byte> head = stackalloc byte[8];
        if (png.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length || !head.SequenceEqual(Signature))
            return texts;
        var left = MaxTotalBytes;
        while (texts.Count < MaxCount && left > 0 && png.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(head);
            var type = Encoding.ASCII.GetString(head[4..]);
            if (type == "IEND" || length > int.MaxValue)
                break;
            var isText = (type is "tEXt" or "zTXt" or "iTXt") && length <= Math.Min(MaxBytes, left);
            var content = new byte[isText ? length : 0];
            if (png.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length)
                break;
            left -= content.Length;
            if (isText && Parse(type, content, ref left) is { } text)
                texts.Add(text);
            else
                isPartial |= type is "tEXt" or "zTXt" or "iTXt";
            // Skips the checksum after the content without verifying it: readable text is worth showing.
            if (!Skip(png, length - content.Length + 4))
                break;
        }

        return texts;
    }

    /// <summary>
    /// Inserts texts before the pixels of a PNG file: as tEXt if they are Latin-1, else as iTXt. Everything else is unchanged.
    /// </summary>
    /// <param name="png">The file.</param>
    /// <param name="texts">The texts.</param>
    public static byte[] AddTo(ReadOnlySpan<byte> png, IEnumerable<PngText> texts)
    {
        var pixels = Signature.Length;
        while (!png.Slice(pixels + 4, 4).SequenceEqual("IDAT"u8))
            pixels += BinaryPrimitives.ReadInt32BigEndian(png[pixels..]) + ChunkFrame;
        using var added = new MemoryStream();
        added.Write(png[..pixels]);
        foreach (var text in texts)
            text.WriteTo(added);
        added.Write(png[pixels..]);
        return added.ToArray();
    }

    private void WriteTo(Stream stream)
    {
        if (Keyword.Length is 0 or > MaxKeyword || Keyword.Any(c => c is < ' ' or > '\u00FF'))
            throw new ArgumentException($"A PNG keyword has 1 to {MaxKeyword} characters of Latin-1.");
        // The format cannot represent the zero character.
        var text = Text.Replace('\0', '\uFFFD');
        var latin = Encoding.Latin1.GetBytes(text);
        // Many programs write UTF-8 where Latin-1 is required, so text that is valid in both encodings is written in the unambiguous form.
        var isLatin = text.All(c => c <= '\u00FF') && (text.All(char.IsAscii) || TryUtf8(latin) is null);
        byte[] chunk = isLatin
            ? [.. "tEXt"u8, .. Encoding.Latin1.GetBytes(Keyword), 0, .. latin]
            // Uncompressed, without a language or a translated keyword.
            : [.. "iTXt"u8, .. Encoding.Latin1.GetBytes(Keyword), 0, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(text)];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, chunk.Length - 4);
        stream.Write(number);
        stream.Write(chunk);
        BinaryPrimitives.WriteUInt32BigEndian(number, ImageChunks.Checksum(chunk));
        stream.Write(number);
    }

    private static PngText? Parse(string type, ReadOnlySpan<byte> content, ref int left)
    {
        var end = content.IndexOf((byte)0);
        if (end < 1)
            return null;
        var keyword = Encoding.Latin1.GetString(content[..end]);
        var rest = content[(end + 1)..];
        if (type == "tEXt")
            return new PngText(keyword, Utf8OrLatin(rest));
        if (rest.Length < 1)
            return null;
        if (type == "zTXt")
            return Inflate(rest[1..], ref left) is { } inflated ? new PngText(keyword, Utf8OrLatin(inflated)) : null;
        if (rest.Length < 2)
            return null;
        // Two flags, then the language and the translated keyword, each terminated by a zero.
        var isCompressed = rest[0] != 0;
        rest = rest[2..];
        for (var skipped = 0; skipped < 2; skipped++)
        {
            if (rest.IndexOf((byte)0) is var zero && zero < 0)
                return null;
            rest = rest[(zero + 1)..];
        }

        var bytes = isCompressed ? Inflate(rest, ref left) : rest.ToArray();
        return bytes is null ? null : new PngText(keyword, Encoding.UTF8.GetString(bytes));
    }

    /// <summary>Decodes text that should be Latin-1 but is often UTF-8.</summary>
    internal static string Utf8OrLatin(ReadOnlySpan<byte> bytes) => TryUtf8(bytes) ?? Encoding.Latin1.GetString(bytes);

    private static string? TryUtf8(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    // Null if the data is damaged, or expands beyond the limits.
    private static byte[]? Inflate(ReadOnlySpan<byte> compressed, ref int left)
    {
        try
        {
            using var stream = new ZLibStream(new MemoryStream(compressed.ToArray()), CompressionMode.Decompress);
            using var inflated = new MemoryStream();
            var chunk = new byte[1 << 14];
            for (int read; (read = stream.Read(chunk)) > 0;)
            {
                inflated.Write(chunk, 0, read);
                left -= read;
                if (inflated.Length > MaxBytes || left < 0)
                    return null;
            }

            return inflated.ToArray();
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static bool Skip(Stream stream, long count)
    {
        if (stream.CanSeek)
        {
            stream.Seek(count, SeekOrigin.Current);
            return stream.Position <= stream.Length;
        }

        var chunk = new byte[1 << 14];
        while (count > 0)
        {
            var read = stream.Read(chunk, 0, (int)Math.Min(count, chunk.Length));
            if (read == 0)
                return false;
            count -= read;
        }

        return true;
    }
}
