using System.Buffers.Binary;
using System.Text;

namespace PromptToPrompt.Diffusion.Images;

/// <summary>Tells by its first bytes what a file is: a picture that can be read, or something else, which errors then call by its name.</summary>
internal static class EncodedKinds
{
    private const string Export = "export it as JPEG or PNG";
    private const string Render = "save it as PNG at the size you want";
    private const string Download = "a failed download looks like this: get the picture again";

    // Enough for the names of a container's brands and for the beginning of a text.
    private const int Looked = 1024;
    private static readonly string[] RawEndings = [".dng", ".nef", ".nrw", ".arw", ".sr2", ".srw", ".cr2", ".pef", ".erf", ".3fr", ".dcr", ".kdc", ".iiq", ".mos", ".gpr"];

    // A magic number at a place of the file, what the file is then, and what to do with it.
    private static readonly (int At, byte[] Magic, string What, string Mend)[] Others =
    [
        (8, [.. "CR"u8, 2], "a CR2 file (camera raw)", Export),
        (0, [.. "FUJIFILMCCD-RAW"u8], "a RAF file (camera raw)", Export),
        (0, [.. "IIRO"u8], "an ORF file (camera raw)", Export),
        (0, [.. "IIRS"u8], "an ORF file (camera raw)", Export),
        (0, [.. "IIU\0"u8], "an RW2 file (camera raw)", Export),
        (0, [.. "FOVb"u8], "an X3F file (camera raw)", Export),
        (0, [.. "II*\0"u8], "a TIFF picture", Export),
        (0, [.. "MM\0*"u8], "a TIFF picture", Export),
        (0, [.. "II+\0"u8], "a TIFF picture", Export),
        (0, [.. "MM\0+"u8], "a TIFF picture", Export),
        (0, [0xFF, 0x0A], "a JPEG XL picture", Export),
        (0, [0, 0, 0, 12, .. "JXL "u8], "a JPEG XL picture", Export),
        (0, [0, 0, 0, 12, .. "jP  "u8], "a JPEG 2000 picture", Export),
        (0, [0xFF, 0x4F, 0xFF, 0x51], "a JPEG 2000 picture", Export),
        (0, [.. "II\xBC"u8], "a JPEG XR picture", Export),
        (0, [.. "8BPS"u8], "a PSD file (Photoshop)", Export),
        (0, [.. "8BPB"u8], "a PSB file (Photoshop)", Export),
        (0, [.. "gimp xcf"u8], "an XCF file (GIMP)", Export),
        (0, [0x76, 0x2F, 0x31, 0x01], "an OpenEXR picture", Export),
        (0, [.. "#?RADIANCE"u8], "a Radiance HDR picture", Export),
        (0, [.. "DDS "u8], "a DDS picture", Export),
        (0, [.. "qoif"u8], "a QOI picture", Export),
        (0, [.. "FORM"u8], "an IFF picture", Export),
        (0, [.. "%PDF"u8], "a PDF document", Render),
        (0, [.. "%!PS"u8], "a PostScript document", Render),
        (0, [0xC5, 0xD0, 0xD3, 0xC6], "a PostScript document", Render),
        (0, [.. "PK\x03\x04"u8], "a ZIP archive", "unpack it and give a picture from it"),
        (0, [0x1F, 0x8B], "a gzip archive", "unpack it and give a picture from it"),
        (0, [0x1A, 0x45, 0xDF, 0xA3], "a video", "save one of its frames as PNG"),
        (0, [.. "GGUF"u8], "a GGUF file (a model's weights)", "give a picture"),
    ];

    // ISO media files say what they are by brands.
    private static readonly (string Brand, string What, string Mend)[] Brands =
    [
        ("avif", "an AVIF picture", Export), ("avis", "an AVIF picture", Export), ("crx ", "a CR3 file (camera raw)", Export),
        ("heic", "a HEIC picture", Export), ("heix", "a HEIC picture", Export), ("heim", "a HEIC picture", Export), ("heis", "a HEIC picture", Export),
        ("hevc", "a HEIC picture", Export), ("hevx", "a HEIC picture", Export), ("mif1", "a HEIF picture", Export), ("msf1", "a HEIF picture", Export),
        ("jxl ", "a JPEG XL picture", Export), ("jp2 ", "a JPEG 2000 picture", Export),
    ];

    public static bool IsJpeg(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    public static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0x89, .. "PNG\r\n\x1A\n"u8]);

    public static bool IsWebp(ReadOnlySpan<byte> file) => file.Length >= 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8);

    public static bool IsGif(ReadOnlySpan<byte> file) => file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8);

    /// <summary>Says of a file that cannot be read what it is and what to do.</summary>
    /// <param name="file">Its bytes.</param>
    /// <param name="name">What the error calls it; a path tells camera raw from other TIFF files.</param>
    public static InvalidInputException Refusal(ReadOnlySpan<byte> file, string name)
    {
        if (IsJpeg(file) || IsPng(file) || IsWebp(file) || IsGif(file) || file.StartsWith("BM"u8))
            return new($"{name} is cut off or damaged at its beginning; copy or download it again.");
        var (what, mend) = Describe(file[..Math.Min(file.Length, Looked)], Path.GetExtension(name).ToLowerInvariant());
        return new(what.Length > 0 ? $"{name} is {what}; {mend}." : $"{name} is not a picture of a kind that can be read; {Export}.");
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
        // The major brand, its version, and the brands the file goes with. A HEIF picture may say only there that it is AVIF.
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
            return ("a Git LFS pointer and not the picture itself", "fetch it with git lfs pull");
        if (Has("<svg"))
            return ("an SVG drawing", Render);
        if (Has("<!doctype html") || Has("<html") || Has("<head") || Has("<body"))
            return ("a web page", Download);
        if (text[0] == '<')
            return ("an XML document", Download);
        if (text[0] is '{' or '[')
            return ("a JSON document", Download);
        if (text[0] == 'P' && text.Length > 2 && text[1] is >= '1' and <= '7' && char.IsWhiteSpace(text[2]))
            return ("a Netpbm picture", Export);
        return ("a text file and not a picture", Download);

        bool Has(string word) => text.Contains(word, StringComparison.OrdinalIgnoreCase);
    }
}
