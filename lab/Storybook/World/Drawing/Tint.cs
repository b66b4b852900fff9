using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>Arithmetic on colors, in sRGB as painters mix them.</summary>
internal static class Tint
{
    public static SKColor Rgb(int hex) => new((byte)(hex >> 16), (byte)(hex >> 8), (byte)hex);

    /// <summary>The color a share of the way from one to another.</summary>
    public static SKColor Mix(SKColor from, SKColor to, float share) => new(
        Byte(from.Red + ((to.Red - from.Red) * share)),
        Byte(from.Green + ((to.Green - from.Green) * share)),
        Byte(from.Blue + ((to.Blue - from.Blue) * share)),
        Byte(from.Alpha + ((to.Alpha - from.Alpha) * share)));

    public static SKColor Scale(SKColor color, float red, float green, float blue) =>
        new(Byte(color.Red * red), Byte(color.Green * green), Byte(color.Blue * blue), color.Alpha);

    public static SKColor Lighten(SKColor color, float share) => Mix(color, SKColors.White.WithAlpha(color.Alpha), share);

    /// <summary>A shadow of the color: darker and cooler, as shadows are outdoors.</summary>
    public static SKColor Shadow(SKColor color, float share) =>
        Mix(color, Scale(color, 0.34f, 0.30f, 0.46f), share);

    public static SKColor Saturate(SKColor color, float factor)
    {
        var luma = Luma(color);
        return new SKColor(
            Byte(luma + ((color.Red - luma) * factor)),
            Byte(luma + ((color.Green - luma) * factor)),
            Byte(luma + ((color.Blue - luma) * factor)),
            color.Alpha);
    }

    /// <summary>Perceived lightness, 0..255 (ITU-R BT.601 weights).</summary>
    public static float Luma(SKColor color) => (0.299f * color.Red) + (0.587f * color.Green) + (0.114f * color.Blue);

    public static SKColor Fade(SKColor color, float alpha) => color.WithAlpha(Byte(255 * alpha));

    private static byte Byte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
