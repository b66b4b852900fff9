using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>Common style of all sheets.</summary>
internal static class SheetStyle
{
    public const int Gap = 12;
    public const float TextSize = 15;
    public const float LineHeight = 19;

    public static readonly SKColor Paper = new(250, 249, 246);
    public static readonly SKColor Ink = new(40, 40, 44);

    /// <summary>Color of emphasized words.</summary>
    public static readonly SKColor Accent = new(196, 62, 28);

    /// <summary>Color of notes.</summary>
    public static readonly SKColor Pencil = new(122, 120, 116);

    /// <summary>Best for enlarging: smooth, and without ringing at edges.</summary>
    public static readonly SKSamplingOptions Smooth = new(SKCubicResampler.Mitchell);

    /// <summary>An empty sheet.</summary>
    public static SKBitmap Blank(float width, float height)
    {
        var sheet = new SKBitmap(new SKImageInfo((int)Math.Ceiling(width), (int)Math.Ceiling(height), SKColorType.Rgba8888, SKAlphaType.Opaque));
        sheet.Erase(Paper);
        return sheet;
    }

    public static void DrawSmooth(this SKCanvas canvas, SKBitmap bitmap, SKRect place)
    {
        using var image = SKImage.FromBitmap(bitmap);
        canvas.DrawImage(image, place, Smooth);
    }

    /// <summary>Draws lines of text; <paramref name="middle"/> is the vertical center of the first.</summary>
    public static void DrawLines(this SKCanvas canvas, IReadOnlyList<CaptionLine> lines, float x, float middle, SKTextAlign align, SKColor color)
    {
        using var paint = new SKPaint { Color = color, IsAntialias = true };
        for (var line = 0; line < lines.Count; line++)
            lines[line].Draw(canvas, x, middle + (line * LineHeight) + (TextSize / 3), align, paint);
    }
}
