using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>What a style draws with: its paper, colors, outlines and hatching, and how steady its hand is.</summary>
/// <param name="Style">The style.</param>
/// <param name="Unit">Size of one unit of the path that is drawn, in units of the picture.</param>
/// <param name="Turn">−1 where what is drawn is mirrored, so that hatching keeps its direction; else 1.</param>
internal readonly record struct Medium(Style Style, float Unit, float Turn)
{
    private const float WashEdge = 1.7f;
    private static readonly SKColor Crayon = Tint.Rgb(0x43343C);
    private static readonly SKColor Graphite = Tint.Rgb(0x4E4E54);

    public static SKColor Paper { get; } = Tint.Rgb(0xFBF8F0);

    public bool Outlined => Style is Style.Drawing or Style.Sketch;

    public SKColor Outline => Style == Style.Sketch ? Graphite : Crayon;

    // Widths of outlines are those of the tool in the hand, whatever the size of the thing drawn.
    public float OutlineWidth => (Style == Style.Sketch ? 1.8f : Math.Min(2.3f, 1.6f + Unit)) / Unit;

    /// <summary>The line in which a watercolor pools at the edge of a wash.</summary>
    public float PoolWidth => WashEdge / Unit;

    /// <summary>How wide a line the edge of a body gets; 0 for none.</summary>
    public float EdgeWidth => Outlined ? OutlineWidth : Style == Style.Watercolor ? PoolWidth : 0;

    /// <summary>A color as the medium gives it, on one part of the scene.</summary>
    public SKColor Ink(SKColor color, Part part) => Style switch
    {
        Style.Drawing => Tint.Saturate(Tint.Lighten(color, part is Part.Place or Part.Sky ? 0.20f : 0.04f), 1.25f),
        Style.Watercolor => Tint.Mix(Tint.Saturate(color, 1.12f), Paper.WithAlpha(color.Alpha), 0.26f),
        Style.Sketch => Gray(color),
        Style.Photo => Tint.Saturate(color, 0.94f),
        _ => color,
    };

    /// <summary>Stripes aslant, between two colors.</summary>
    public SKShader Hatch(SKColor from, SKColor to)
    {
        var period = 6.4f / Unit;
        return SKShader.CreateLinearGradient(
            default, new(period * 0.72f * Turn, period * 0.72f), [from, to, from], SKShaderTileMode.Repeat);
    }

    /// <summary>Light from the upper left on something round.</summary>
    public static SKShader Volume(SKRect box, SKColor ink)
    {
        var radius = 0.80f * Math.Max(box.Width, box.Height);
        return SKShader.CreateRadialGradient(
            new(box.Left + (box.Width * 0.34f), box.Top + (box.Height * 0.26f)),
            radius,
            [Tint.Lighten(ink, 0.30f), ink, Tint.Shadow(ink, 0.62f)],
            [0, 0.42f, 1],
            SKShaderTileMode.Clamp);
    }

    /// <summary>From one color at the top to another at the bottom.</summary>
    public static SKShader Down(SKRect box, params SKColor[] colors) =>
        SKShader.CreateLinearGradient(new(0, box.Top), new(0, box.Bottom), colors, SKShaderTileMode.Clamp);

    /// <summary>What an unsteady hand does to a path; null for a steady one.</summary>
    public SKPathEffect? Wobble()
    {
        var (step, swing) = Style switch
        {
            Style.Drawing => (9f, Math.Min(1.5f, 3 * Unit)),
            Style.Watercolor => (7f, Math.Min(1.0f, 2 * Unit)),
            Style.Sketch => (11f, Math.Min(0.9f, 2 * Unit)),
            _ => (0f, 0f),
        };
        if (step == 0)
            return null;
        using var jitter = SKPathEffect.CreateDiscrete(step / Unit, swing / Unit, 7);
        using var round = SKPathEffect.CreateCorner(step * 0.6f / Unit);
        return SKPathEffect.CreateCompose(round, jitter);
    }

    private static SKColor Gray(SKColor color)
    {
        var light = (byte)(126 + (Tint.Luma(color) * 0.50f));
        return new SKColor(light, light, (byte)(light - 2), color.Alpha);
    }
}
