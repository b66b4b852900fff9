using System.Buffers.Binary;
using System.Text;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>Identifies a file by its first bytes: a readable image, or another format, which errors then name.</summary>
internal static class EncodedKinds
{
    private const string Export = "export it as JPEG or PNG";
    private const string Render = "save it as PNG at the size you want";
    private const string Download = "check the path; if it was downloaded, the download has failed";

    // Enough for the brands of a container and for the start of a text.
    private const int Looked = 1024;
    private static readonly string[] RawEndings = [".dng", ".nef", ".nrw", ".arw", ".sr2", ".srw", ".cr2", ".pef", ".erf", ".3fr", ".dcr", ".kdc", ".iiq", ".mos", ".gpr"];

    // Magic number at an offset in the file, description of the format, and advice.
    private static readonly (int At, byte[] Magic, string What, string Mend)[] Others =
    [
        (8, [.. "CR"u8, 2], "a CR2 file (camera raw)", Export),
        (0, [.. "FUJIFILMCCD-RAW"u8], "a RAF file (camera raw)", Export),
        (0, [.. "IIRO"u8], "an ORF file (camera raw)", Export),
        (0, [.. "IIRS"u8], "an ORF file (camera raw)", Export),
        (0, [.. "IIU\0"u8], "an RW2 file (camera raw)", Export),
        (0, [.. "FOVb"u8], "an X3F file (camera raw)", Export),
        (0, [.. "II*\0"u8], "a TIFF image", Export),
        (0, [.. "MM\0*"u8], "a TIFF image", Export),
        (0, [.. "II+\0"u8], "a TIFF image", Export),
        (0, [.. "MM\0+"u8], "a TIFF image", Export),
        (0, [0xFF, 0x0A], "a JPEG XL image", Export),
        (0, [0, 0, 0, 12, .. "JXL "u8], "a JPEG XL image", Export),
        (0, [0, 0, 0, 12, .. "jP  "u8], "a JPEG 2000 image", Export),
        (0, [0xFF, 0x4F, 0xFF, 0x51], "a JPEG 2000 image", Export),
        (0, [.. "II\xBC"u8], "a JPEG XR image", Export),
        (0, [.. "8BPS"u8], "a PSD file (Photoshop)", Export),
        (0, [.. "8BPB"u8], "a PSB file (Photoshop)", Export),
        (0, [.. "gimp xcf"u8], "an XCF file (GIMP)", Export),
        (0, [0x76, 0x2F, 0x31, 0x01], "an OpenEXR image", Export),
        (0, [.. "#?RADIANCE"u8], "a Radiance HDR image", Export),
        (0, [.. "DDS "u8], "a DDS image", Export),
        (0, [.. "qoif"u8], "a QOI image", Export),
        (0, [.. "FORM"u8], "an IFF image", Export),
        (0, [.. "%PDF"u8], "a PDF document", Render),
        (0, [.. "%!PS"u8], "a PostScript document", Render),
        (0, [0xC5, 0xD0, 0xD3, 0xC6], "a PostScript document", Render),
        (0, [.. "PK\x03\x04"u8], "a ZIP archive", "unpack it and use an image from it"),
        (0, [0x1F, 0x8B], "a gzip archive", "unpack it and use an image from it"),
        (0, [0x1A, 0x45, 0xDF, 0xA3], "a video", "save one of its frames as PNG"),
        (0, [.. "GGUF"u8], "a GGUF file (a model's weights)", "use an image"),
    ];

    // ISO media files identify their format by brands.
    private static readonly (string Brand, string What, string Mend)[] Brands =
    [
        ("avif", "an AVIF image", Export), ("avis", "an AVIF image", Export), ("crx ", "a CR3 file (camera raw)", Export),
        ("heic", "a HEIC image", Export), ("heix", "a HEIC image", Export), ("heim", "a HEIC image", Export), ("heis", "a HEIC image", Export),
        ("hevc", "a HEIC image", Export), ("hevx", "a HEIC image", Export), ("mif1", "a HEIF image", Export), ("msf1", "a HEIF image", Export),
        ("jxl ", "a JPEG XL image", Export), ("jp2 ", "a JPEG 2000 image", Export),
    ];

    public static bool IsJpeg(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    public static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0x89, .. "PNG\r\n\x1A\n"u8]);

    public static bool IsWebp(ReadOnlySpan<byte> file) => file.Length >= 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8);

    public static bool IsGif(ReadOnlySpan<byte> file) => file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8);

    /// <summary>The error for an unreadable file: its format, with advice.</summary>
    /// <param name="file">Its bytes.</param>
    /// <param name="name">The file's name in errors; a path's extension distinguishes camera raw from other TIFF files.</param>
    public static InvalidInputException Refusal(ReadOnlySpan<byte> file, string name)
    {
        if (IsJpeg(file) || IsPng(file) || IsWebp(file) || IsGif(file) || file.StartsWith("BM"u8))
            return new($"{name} is truncated or damaged at its start. Copy or download it again.");
        var (what, mend) = Describe(file[..Math.Min(file.Length, Looked)], Path.GetExtension(name).ToLowerInvariant());
        return new(what.Length > 0 ? $"{name} is {what}; {mend}." : $"{name} is not an image in a supported format; {Export}.");
    }

    private static (string What, string Mend) Describe(ReadOnlySpan<byte> start, string ending)
    {
        var isTiff = start.StartsWith("II*\0"u8) || start.StartsWith("MM\0*"u8);
        if (isTiff && RawEndings.Contains(ending))
            return ($"a {ending[1..].ToUpperInvariant()} file (camera raw)", Export);
        foreach (var (at, magic, what, mend) in Others)
        {
            if (start.Length >= at + magic.Length && start[at..].StartsWith(magic) && (at == 0 || isTiff))
                return (isTiff && what.StartsWith("a TIFF", StringComparison.Ordinal) && IsDng(start) ? "a DNG file (camera raw)" : what, mend);
        }

        if (start.Length >= 12 && start[4..].StartsWith("ftyp"u8))
            return Branded(start);
        return Text(start);
    }

    private static (string What, string Mend) Branded(ReadOnlySpan<byte> start)
    {
        // The major brand, its version, and the compatible brands. Only the latter may identify a HEIF image as AVIF.
        var length = Math.Clamp(BinaryPrimitives.ReadUInt32BigEndian(start), 12, (uint)start.Length);
        var brands = Encoding.Latin1.GetString(start[8..(int)length]);
        var found = Brands.FirstOrDefault(known => brands.StartsWith(known.Brand, StringComparison.Ordinal));
        if (found.Brand is "mif1" or "msf1" && Brands.FirstOrDefault(known => brands[8..].Contains(known.Brand, StringComparison.Ordinal)) is { Brand: not null } precise)
            found = precise;
        return found.Brand is null ? ("a video", "save one of its frames as PNG") : (found.What, found.Mend);
    }

    private static bool IsDng(ReadOnlySpan<byte> start)
    {
        var found = false;
        TiffDirectory.Visit(start, (tag, _) => found |= tag == TiffDirectory.DngVersion);
        return found;
    }

    private static (string What, string Mend) Text(ReadOnlySpan<byte> start)
    {
        var text = (start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) ? Encoding.Unicode : start.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]) ? Encoding.BigEndianUnicode : Encoding.UTF8)
            .GetString(start).TrimStart('\uFEFF', ' ', '\t', '\r', '\n');
        if (text.Length == 0 || text.Any(c => char.IsControl(c) && !char.IsWhiteSpace(c)))
            return ("", "");
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
            return ("a Git LFS pointer, not the image itself", "fetch it with git lfs pull");
        if (Has("<svg"))
            return ("an SVG drawing", Render);
        if (Has("<!doctype html") || Has("<html") || Has("<head") || Has("<body"))
            return ("a web page", Download);
        if (text[0] == '<')
            return ("an XML document", Download);
        if (text[0] is '{' or '[')
            return ("a JSON document", Download);
        if (text[0] == 'P' && text.Length > 2 && text[1] is >= '1' and <= '7' && char.IsWhiteSpace(text[2]))
            return ("a Netpbm image", Export);
        return ("a text file, not an image", Download);

        bool Has(string word) => text.Contains(word, StringComparison.OrdinalIgnoreCase);
    }
}
