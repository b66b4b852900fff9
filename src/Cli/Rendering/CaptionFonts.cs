using System.Text;
using HarfBuzzSharp;
using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>A font of captions: draws glyphs, and chooses and places them for a text.</summary>
internal sealed class CaptionFace
{
    // Positions are in whole numbers, so the shaper works at a larger size.
    private const int Scale = 1 << 10;

    private readonly Font shaper;

    public CaptionFace(SKTypeface typeface, Blob file, int index)
    {
        Typeface = typeface;
        Drawing = new SKFont(typeface, SheetStyle.TextSize) { Edging = SKFontEdging.Antialias, Subpixel = true };
        using var face = new Face(file, index);
        shaper = new Font(face);
        shaper.SetScale(Scale, Scale);
        shaper.SetFunctionsOpenType();
    }

    public SKTypeface Typeface { get; }

    /// <summary>The font at the size of captions.</summary>
    public SKFont Drawing { get; }

    /// <summary>Whether the font has all glyphs of a character.</summary>
    public bool Has(string character) => character.EnumerateRunes().All(rune => IsPassedOver(rune) || Drawing.ContainsGlyph(rune.Value));

    /// <summary>Chooses and places the glyphs of a run, from left to right.</summary>
    /// <param name="text">The whole text; letters join with their neighbors.</param>
    /// <param name="run">The run, of one script.</param>
    /// <param name="glyphs">Gets the glyphs.</param>
    /// <param name="places">Gets where each is drawn.</param>
    /// <returns>The run's width.</returns>
    public float Shape(string text, BidiRun run, List<ushort> glyphs, List<SKPoint> places)
    {
        using var buffer = new HarfBuzzSharp.Buffer();
        buffer.AddUtf16(text.AsSpan(), run.Start, run.Length);
        buffer.GuessSegmentProperties();
        buffer.Direction = run.IsRightToLeft ? Direction.RightToLeft : Direction.LeftToRight;
        shaper.Shape(buffer);
        var infos = buffer.GetGlyphInfoSpan();
        var positions = buffer.GetGlyphPositionSpan();
        var (x, unit) = (0f, SheetStyle.TextSize / Scale);
        for (var i = 0; i < infos.Length; i++)
        {
            glyphs.Add((ushort)infos[i].Codepoint);
            places.Add(new SKPoint(x + (positions[i].XOffset * unit), -positions[i].YOffset * unit));
            x += positions[i].XAdvance * unit;
        }

        return x;
    }

    // Joiners and variation selectors need no glyph.
    private static bool IsPassedOver(Rune rune) =>
        rune.Value is (>= 0x200B and <= 0x200F) or 0x061C or 0xAD or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0020 and <= 0xE007F) or (>= 0xE0100 and <= 0xE01EF);
}

/// <summary>
/// The fonts of captions: one that comes with the program and has Latin, Greek, Cyrillic, Hebrew, Arabic and more, and for all else the
/// system's. On Linux the drawing library here does not see those, so their files are looked for.
/// </summary>
internal sealed class CaptionFonts
{
    private static readonly string[] Endings = [".ttf", ".otf", ".ttc", ".otc"];

    // Captions use regular fonts, so others come last.
    private static readonly string[] Unlike = ["bold", "italic", "oblique", "light", "thin", "black", "medium", "condensed", "mono", "serif"];
    private static readonly Lazy<CaptionFonts> Shared = new(() => new CaptionFonts(SystemFolders()));

    // Find adds to what follows; the studio draws on several threads.
    private readonly Lock lockOfFound = new();
    private readonly List<CaptionFace> faces = [];
    private readonly Dictionary<string, CaptionFace?> found = [];
    private readonly Lazy<Queue<string>> files;

    /// <summary>Uses fonts from folders besides the program's own.</summary>
    public CaptionFonts(IEnumerable<string> folders)
    {
        using var resource = typeof(CaptionFonts).Assembly.GetManifestResourceStream("caption-font")!;
        using var data = SKData.Create(resource);
        Own = new CaptionFace(SKTypeface.FromData(data), Copied(data), 0);
        faces.Add(Own);
        files = new(() => new(folders.SelectMany(Files)));
    }

    /// <summary>The fonts of this system.</summary>
    public static CaptionFonts OfSystem => Shared.Value;

    /// <summary>The program's own font.</summary>
    public CaptionFace Own { get; }

    /// <summary>A font that has a character (with its marks), or null. Thread-safe.</summary>
    public CaptionFace? Find(string character)
    {
        lock (lockOfFound)
        {
            if (found.TryGetValue(character, out var known))
                return known;
            var face = faces.Find(opened => opened.Has(character)) ?? OfManager(character);
            while (face is null && files.Value.TryDequeue(out var path))
                face = Open(path).FirstOrDefault(opened => opened.Has(character));
            return found[character] = face;
        }
    }

    // From the drawing library, if it sees the system's fonts.
    private CaptionFace? OfManager(string character)
    {
        using var typeface = SKFontManager.Default.MatchCharacter(char.ConvertToUtf32(character, 0));
        if (typeface is null)
            return null;
        using var stream = typeface.OpenStream(out var index);
        using var data = SKData.Create(stream);
        return Added(SKTypeface.FromData(data, index), Copied(data), index) is var face && face.Has(character) ? face : null;
    }

    private List<CaptionFace> Open(string path)
    {
        var opened = new List<CaptionFace>();
        try
        {
            using var file = Blob.FromFile(path);
            for (var index = 0; index < file.FaceCount && SKTypeface.FromFile(path, index) is { } typeface; index++)
                opened.Add(Added(typeface, file, index));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Removed, or not readable.
        }

        return opened;
    }

    private CaptionFace Added(SKTypeface typeface, Blob file, int index)
    {
        var face = new CaptionFace(typeface, file, index);
        faces.Add(face);
        return face;
    }

    private static Blob Copied(SKData data) => new(data.Data, (int)data.Size, MemoryMode.Duplicate);

    private static IEnumerable<string> SystemFolders()
    {
        if (!OperatingSystem.IsLinux())
            return [];
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var shared = Environment.GetEnvironmentVariable("XDG_DATA_DIRS") is { Length: > 0 } set ? set.Split(':') : ["/usr/local/share", "/usr/share"];
        return
        [
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "fonts"),
            Path.Combine(home, ".fonts"),
            .. shared.Where(Path.IsPathRooted).Select(folder => Path.Combine(folder, "fonts")),
        ];
    }

    private static IEnumerable<string> Files(string folder)
    {
        if (!Directory.Exists(folder))
            return [];
        return Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true })
            .Where(path => Endings.Contains(Path.GetExtension(path).ToLowerInvariant()))
            .OrderBy(path => Unlike.Count(word => Path.GetFileName(path).Contains(word, StringComparison.OrdinalIgnoreCase))).ThenBy(path => path, StringComparer.Ordinal);
    }
}
