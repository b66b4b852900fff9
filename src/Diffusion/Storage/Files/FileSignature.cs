using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace PromptToPrompt.Diffusion.Storage.Files;

/// <summary>Identifies an unexpected file by its first bytes: failed downloads and other programs' files.</summary>
/// <param name="Description">The description, as in "a web page (HTML)".</param>
/// <param name="Advice">The advice.</param>
internal sealed partial record FileSignature(string Description, string Advice)
{
    private const int MaxQuoteLength = 120;
    private const int MinZeros = 64;
    private const string Again = "the download failed or was refused, so download it again";
    private const string Unpack = "unpack it and use the file inside";
    private const string NotRead = "this format cannot be read, so get the model as .safetensors";

    /// <summary>The format of a text file, as far as its first character reveals it.</summary>
    public FileFormat Format { get; private init; }

    /// <summary>Number of bytes to examine.</summary>
    private const int Looked = 4096;

    private static readonly (int Offset, byte[] Magic, string Description, string Advice)[] Binary =
    [
        (0, "GGUF"u8.ToArray(), "a GGUF file (llama.cpp and related programs)", NotRead),
        (0, "ggml"u8.ToArray(), "a GGML file", NotRead), (0, "lmgg"u8.ToArray(), "a GGML file", NotRead), (0, "tjgg"u8.ToArray(), "a GGML file", NotRead),
        (0, "PK\u0003\u0004"u8.ToArray(), "a zip archive or a pickled PyTorch checkpoint", Unpack + ", or get the model as .safetensors"),
        (0, "PK\u0005\u0006"u8.ToArray(), "an empty zip archive", Again),
        (0, [0x1F, 0x8B], "a gzip archive", Unpack),
        (0, "BZh"u8.ToArray(), "a bzip2 archive", Unpack),
        (0, [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0], "an xz archive", Unpack),
        (0, [0x28, 0xB5, 0x2F, 0xFD], "a Zstandard archive", Unpack),
        (0, [(byte)'7', (byte)'z', 0xBC, 0xAF, 0x27, 0x1C], "a 7-Zip archive", Unpack),
        (0, "Rar!"u8.ToArray(), "a RAR archive", Unpack),
        (257, "ustar"u8.ToArray(), "a tar archive", Unpack),
        (0, [0x80, 0x02], "a pickle file (PyTorch before 1.6, or Python)", NotRead), (0, [0x80, 0x03], "a pickle file (Python)", NotRead),
        (0, [0x80, 0x04], "a pickled file of Python", NotRead), (0, [0x80, 0x05], "a pickled file of Python", NotRead),
        (0, [0x89, (byte)'H', (byte)'D', (byte)'F'], "an HDF5 file of Keras", NotRead),
        (0, [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'], "a NumPy array", NotRead),
        (0, [0x89, (byte)'P', (byte)'N', (byte)'G'], "an image (PNG)", "check the path"),
        (0, [0xFF, 0xD8, 0xFF], "an image (JPEG)", "check the path"),
        (0, "RIFF"u8.ToArray(), "an image or sound (RIFF)", "check the path"),
        (0, "GIF8"u8.ToArray(), "an image (GIF)", "check the path"),
        (0, "%PDF"u8.ToArray(), "a PDF document", "check the path"),
        (0, "SQLite format 3"u8.ToArray(), "an SQLite database", "check the path"),
        (0, [0x7F, (byte)'E', (byte)'L', (byte)'F'], "a program", "check the path"),
        (0, "MZ"u8.ToArray(), "a program", "check the path"),
    ];

    /// <summary>Identifies a file; null if its first bytes do not reveal the format.</summary>
    /// <param name="content">The file, or its first few kilobytes.</param>
    public static FileSignature? Of(ReadOnlySpan<byte> content)
    {
        var start = content[..Math.Min(content.Length, Looked)];
        if (start.IsEmpty)
            return new("an empty file", Again);
        // A file that a download manager allocated but never filled.
        if (start.Length >= MinZeros && !start.ContainsAnyExcept((byte)0))
            return new("a file that starts with zeros", "its download did not finish, so download it again");
        foreach (var (offset, magic, description, advice) in Binary)
        {
            if (start.Length > offset && start[offset..].StartsWith(magic))
                return new(description, advice);
        }

        return TextFile.Beginning(start) is { } text ? OfText(text.TrimStart(), content) : null;
    }

    private static FileSignature OfText(string text, ReadOnlySpan<byte> content)
    {
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
            return new("a pointer of Git LFS, not the file itself", "fetch the file with `git lfs pull`, or download it directly");
        if (text.StartsWith('<'))
        {
            return Page().IsMatch(text)
                ? new($"a web page (HTML){Saying(Title().Match(text).Groups[1].Value)}", Again + " from its own address and, where the site asks for it, logged in")
                : new($"an XML document{Saying(Message().Match(text) is { Success: true } message ? message.Groups[1].Value : text)}", Again)
                {
                    Format = text.StartsWith("<?xml", StringComparison.Ordinal) ? FileFormat.Other : FileFormat.Xml,
                };
        }

        return text.StartsWith('{') || text.StartsWith('[')
            ? new($"a JSON document{Saying(MessageOf(content) ?? text)}", Again) { Format = FileFormat.Json }
            : new($"a text file{Saying(text)}", Again) { Format = FileFormat.Text };
    }

    /// <summary>The error message in a server's JSON response; null for other JSON.</summary>
    public static string? MessageOf(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
            return null;
        var texts = new[] { "error", "message", "detail", "title" }
            .Select(field => json.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null)
            .OfType<string>().ToList();
        return texts.Count > 0 ? string.Join(": ", texts) : null;
    }

    private static string? MessageOf(ReadOnlySpan<byte> content)
    {
        try
        {
            using var json = JsonDocument.Parse(TextFile.Decode(content));
            return MessageOf(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or DecoderFallbackException)
        {
            return null;
        }
    }

    private static string Saying(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length == 0 ? "" : $" that says \"{(line.Length > MaxQuoteLength ? line[..MaxQuoteLength] + "…" : line)}\"";
    }

    [GeneratedRegex("^<(!doctype html|html|head|body|script|meta|title|div)|<html[\\s>]", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Page();

    [GeneratedRegex("<title[^>]*>([^<]*)</title>", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Title();

    [GeneratedRegex("<(?:Message|Code)>([^<]*)</", RegexOptions.CultureInvariant)]
    private static partial Regex Message();
}

/// <summary>The text format of an unexpected file.</summary>
internal enum FileFormat
{
    /// <summary>Not a text, or an unmistakable one: a web page, declared XML, a Git LFS pointer.</summary>
    Other,

    /// <summary>It starts like JSON.</summary>
    Json,

    /// <summary>It starts with an angle bracket, like XML.</summary>
    Xml,

    /// <summary>Any other text.</summary>
    Text,
}
