using System.Buffers;
using System.Text;

namespace PromptToPrompt.Diffusion.Storage.Files;

/// <summary>Decodes text files: UTF-8 with or without a byte order mark, or UTF-16 with one.</summary>
internal static class TextFile
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly UnicodeEncoding LittleEndian = new(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true);
    private static readonly UnicodeEncoding BigEndian = new(bigEndian: true, byteOrderMark: true, throwOnInvalidBytes: true);

    /// <summary>Reads a file's text as UTF-8 without a byte order mark.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="DecoderFallbackException">The file is not text.</exception>
    public static byte[] ReadUtf8(string path) => ToUtf8(File.ReadAllBytes(path)).ToArray();

    /// <summary>Decodes the bytes of a text file.</summary>
    /// <exception cref="DecoderFallbackException">The bytes are not text.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        var (encoding, mark) = EncodingOf(bytes);
        return encoding.GetString(bytes[mark..]);
    }

    /// <summary>Converts the bytes of a text file to UTF-8; UTF-8 is not copied.</summary>
    /// <exception cref="DecoderFallbackException">The bytes are damaged UTF-16.</exception>
    public static ReadOnlyMemory<byte> ToUtf8(ReadOnlyMemory<byte> bytes)
    {
        var (encoding, mark) = EncodingOf(bytes.Span);
        return encoding == Utf8 ? bytes[mark..] : Utf8.GetBytes(encoding.GetString(bytes.Span[mark..]));
    }

    /// <summary>Decodes the start of a text file; null if it is not text.</summary>
    /// <param name="start">The first bytes, which may end within a character.</param>
    public static string? Beginning(ReadOnlySpan<byte> start)
    {
        var (encoding, mark) = EncodingOf(start);
        var characters = new char[start.Length];
        var rest = start[mark..];
        int count;
        if (encoding == Utf8)
        {
            for (count = 0; rest.Length > 0;)
            {
                var status = Rune.DecodeFromUtf8(rest, out var rune, out var used);
                if (status == OperationStatus.NeedMoreData)
                    break;
                if (status != OperationStatus.Done)
                    return null;
                count += rune.EncodeToUtf16(characters.AsSpan(count));
                rest = rest[used..];
            }
        }
        else
        {
            try
            {
                encoding.GetDecoder().Convert(rest, characters, flush: false, out _, out count, out _);
            }
            catch (DecoderFallbackException)
            {
                return null;
            }
        }

        var text = characters.AsSpan(0, count);
        foreach (var character in text)
        {
            if (char.IsControl(character) && !char.IsWhiteSpace(character))
                return null;
        }

        return count > 0 ? text.ToString() : null;
    }

    private static (Encoding Encoding, int MarkLength) EncodingOf(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [0xEF, 0xBB, 0xBF, ..] => (Utf8, 3),
        [0xFF, 0xFE, ..] => (LittleEndian, 2),
        [0xFE, 0xFF, ..] => (BigEndian, 2),
        _ => (Utf8, 0),
    };
}
