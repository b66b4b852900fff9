using System.Globalization;
using System.Text;
using HarfBuzzSharp;
using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>
/// A line of a caption, ready to be drawn: letters joined and in visual order, with glyphs from any font that has them. A character
/// that no font has is written as its number, U+4E2D, so that a caption never loses a word.
/// </summary>
internal sealed class CaptionLine
{
    // No line begins with these, and none ends with the others.
    private const string Closers = ",.;:!?)]}»›、。，．：；！？）］｝」』】〉》〕ー々";
    // Between numbers of one word.
    private const char Joint = '·';
    private const string Openers = "([{«‹（［｛「『【〈《〔";

    private readonly List<Part> parts = [];

    private CaptionLine(string text, bool isRightToLeft, CaptionFonts fonts)
    {
        Text = text;
        foreach (var run in BidiText.Runs(text, isRightToLeft))
        {
            var pieces = Pieces(text, run, fonts).ToList();
            if (run.IsRightToLeft)
                pieces.Reverse();
            foreach (var (piece, face) in pieces)
            {
                var (glyphs, places) = (new List<ushort>(), new List<SKPoint>());
                var width = face.Shape(text, piece, glyphs, places);
                parts.Add(new Part(face, [.. glyphs], [.. places.Select(place => new SKPoint(place.X + Width, place.Y))], piece.Start));
                Width += width;
            }
        }
    }

    /// <summary>A run of glyphs of one font.</summary>
    /// <param name="Face">The font.</param>
    /// <param name="Glyphs">Its glyphs, from left to right.</param>
    /// <param name="Places">Where each is drawn, from the line's left end.</param>
    /// <param name="Start">Where its text begins in the line.</param>
    internal sealed record Part(CaptionFace Face, ushort[] Glyphs, SKPoint[] Places, int Start);

    /// <summary>Text of the line.</summary>
    public string Text { get; }

    /// <summary>Its width in pixels.</summary>
    public float Width { get; }

    /// <summary>The glyph runs, from left to right.</summary>
    public IReadOnlyList<Part> Parts => parts;

    /// <summary>A text as one line.</summary>
    public static CaptionLine Of(string text, CaptionFonts? fonts = null) => Wrap(text, float.PositiveInfinity, fonts) is [var line] ? line : new("", false, CaptionFonts.OfSystem);

    /// <summary>Breaks a text so that each line fits a width: at spaces, between ideographs, and inside overlong words.</summary>
    /// <param name="text">The text.</param>
    /// <param name="width">The width in pixels.</param>
    /// <param name="fonts">The fonts; null for the system's.</param>
    public static IReadOnlyList<CaptionLine> Wrap(string text, float width, CaptionFonts? fonts = null)
    {
        fonts ??= CaptionFonts.OfSystem;
        var isRightToLeft = BidiText.IsRightToLeft(text);
        var lines = new List<CaptionLine>();
        foreach (var word in Words(Drawable(text, fonts)))
        {
            if (lines.Count > 0 && Line(lines[^1].Text + word) is var longer && longer.Width <= width)
            {
                lines[^1] = longer;
                continue;
            }

            var rest = word.TrimStart();
            for (var line = Line(rest); rest.Length > 0; line = Line(rest))
            {
                var taken = line.Width <= width ? rest : Fitting(rest);
                lines.Add(Line(taken));
                rest = rest[taken.Length..];
            }
        }

        return lines;

        CaptionLine Line(string content) => new(content, isRightToLeft, fonts);

        // At least one character, however narrow the line.
        string Fitting(string word)
        {
            var ends = StringInfo.ParseCombiningCharacters(word).Skip(1).Append(word.Length).ToList();
            var fits = ends.TakeWhile(end => Line(word[..end]).Width <= width).LastOrDefault();
            return word[..Math.Max(fits, ends[0])];
        }
    }

    /// <summary>Draws the line.</summary>
    /// <param name="canvas">The canvas.</param>
    /// <param name="x">Its left end, middle or right end.</param>
    /// <param name="y">The height of its baseline.</param>
    /// <param name="align">What <paramref name="x"/> refers to.</param>
    /// <param name="paint">The paint.</param>
    public void Draw(SKCanvas canvas, float x, float y, SKTextAlign align, SKPaint paint)
    {
        var left = x - (align switch { SKTextAlign.Center => Width / 2, SKTextAlign.Right => Width, _ => 0 });
        using var builder = new SKTextBlobBuilder();
        foreach (var part in parts.Where(part => part.Glyphs.Length > 0))
            builder.AddPositionedRun(part.Glyphs, part.Face.Drawing, part.Places);
        using var blob = builder.Build();
        if (blob is not null)
            canvas.DrawText(blob, left, y, paint);
    }

    // Parts of a run that are of one font and one script, in the order of the text.
    private static IEnumerable<(BidiRun Piece, CaptionFace Face)> Pieces(string text, BidiRun run, CaptionFonts fonts)
    {
        var (start, face, script) = (run.Start, (CaptionFace?)null, Script.Common);
        var characters = StringInfo.GetTextElementEnumerator(text.Substring(run.Start, run.Length));
        while (characters.MoveNext())
        {
            var (at, character) = (run.Start + characters.ElementIndex, characters.GetTextElement());
            var next = UnicodeFunctions.Default.GetScript((uint)Rune.GetRuneAt(character, 0).Value);
            // Punctuation and spaces use the font of the letters before them if it has them.
            var isCommon = next == Script.Common || next == Script.Inherited;
            var fitting = isCommon && face is not null && face.Has(character) ? face : fonts.Find(character) ?? fonts.Own;
            if (face is not null && (fitting != face || (!isCommon && script != Script.Common && next != script)))
            {
                yield return (run with { Start = start, Length = at - start }, face);
                (start, script) = (at, Script.Common);
            }

            (face, script) = (fitting, isCommon ? script : next);
        }

        if (face is not null)
            yield return (run with { Start = start, Length = run.Start + run.Length - start }, face);
    }

    // Replaces by numbers the characters that no font has and those that would silently change the order.
    private static string Drawable(string text, CaptionFonts fonts)
    {
        var drawable = new StringBuilder();
        var characters = StringInfo.GetTextElementEnumerator(text);
        var wasNumber = false;
        while (characters.MoveNext())
        {
            var character = characters.GetTextElement();
            if (character.All(char.IsWhiteSpace))
            {
                drawable.Append(' ');
                wasNumber = false;
                continue;
            }

            var isNumber = character.EnumerateRunes().Any(rune => Rune.IsControl(rune) || rune.Value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069))
                || fonts.Find(character) is null;
            if ((isNumber || wasNumber) && drawable.Length > 0 && drawable[^1] != ' ')
                drawable.Append(Joint);
            drawable.Append(isNumber ? string.Join(Joint, character.EnumerateRunes().Select(rune => $"U+{rune.Value:X4}")) : character);
            wasNumber = isNumber;
        }

        return drawable.ToString();
    }

    // Unbreakable parts, each with the spaces before it.
    private static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        var previous = "";
        var characters = StringInfo.GetTextElementEnumerator(text);
        while (characters.MoveNext())
        {
            var character = characters.GetTextElement();
            var isBreak = character == " " ? previous != " "
                : previous.Length > 0 && previous != " " && (previous[0] == Joint || IsIdeograph(previous) || IsIdeograph(character))
                    && !Closers.Contains(character, StringComparison.Ordinal) && !Openers.Contains(previous, StringComparison.Ordinal);
            if (isBreak && word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }

            if (character != " " || previous != " ")
                word.Append(character);
            previous = character;
        }

        if (word.ToString().TrimEnd() is { Length: > 0 } last)
            yield return last;
    }

    private static bool IsIdeograph(string character)
    {
        var rune = Rune.GetRuneAt(character, 0);
        var script = UnicodeFunctions.Default.GetScript((uint)rune.Value);
        return script == Script.Han || script == Script.Hiragana || script == Script.Katakana || rune.Value is >= 0x3000 and <= 0x303F or >= 0xFF00 and <= 0xFF60;
    }
}
