using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>The font of captions. It comes with the program, since the drawing library here does not see the system's fonts.</summary>
internal static class CaptionFont
{
    private static readonly Lazy<SKTypeface> Typeface = new(() =>
        SKTypeface.FromStream(typeof(CaptionFont).Assembly.GetManifestResourceStream("caption-font")));

    /// <summary>The typeface; it stays with the program.</summary>
    public static SKTypeface Face => Typeface.Value;

    public static SKFont Create(float size) => new(Typeface.Value, size) { Edging = SKFontEdging.Antialias, Subpixel = true };

    /// <summary>Breaks a text at spaces so that each line fits a width; a word that is too long by itself keeps its line.</summary>
    public static IReadOnlyList<string> Wrap(SKFont font, string text, float width)
    {
        var lines = new List<string>();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (lines.Count > 0 && font.MeasureText($"{lines[^1]} {word}") <= width)
                lines[^1] += $" {word}";
            else
                lines.Add(word);
        }

        return lines;
    }
}
