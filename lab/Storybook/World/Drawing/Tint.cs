using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>Arithmetic on colours, in sRGB as painters mix them.</summary>
internal static class Tint
{
    public static SKColor Rgb(int hex) => new((byte)(hex >> 16), (byte)(hex >> 8), (byte)hex);

    /// <summary>The colour a share of the way from one to another.</summary>
    public static SKColor Mix(SKColor from, SKColor to, float share) => new(
        Byte(from.Red + ((to.Red - from.Red) * share)),
        Byte(from.Green + ((to.Green - from.Green) * share)),
        Byte(from.Blue + ((to.Blue - from.Blue) * share)),
        Byte(from.Alpha + ((to.Alpha - from.Alpha) * share)));

    public static SKColor Scale(SKColor colour, float red, float green, float blue) =>
        new(Byte(colour.Red * red), Byte(colour.Green * green), Byte(colour.Blue * blue), colour.Alpha);

    public static SKColor Lighten(SKColor colour, float share) => Mix(colour, SKColors.White.WithAlpha(colour.Alpha), share);

    /// <summary>A shadow of the colour: darker and cooler, as shadows are outdoors.</summary>
    public static SKColor Shadow(SKColor colour, float share) =>
        Mix(colour, Scale(colour, 0.34f, 0.30f, 0.46f), share);

    public static SKColor Saturate(SKColor colour, float factor)
    {
        var luma = Luma(colour);
        return new SKColor(
            Byte(luma + ((colour.Red - luma) * factor)),
            Byte(luma + ((colour.Green - luma) * factor)),
            Byte(luma + ((colour.Blue - luma) * factor)),
            colour.Alpha);
    }

    /// <summary>Perceived lightness, 0..255 (ITU-R BT.601 weights).</summary>
    public static float Luma(SKColor colour) => (0.299f * colour.Red) + (0.587f * colour.Green) + (0.114f * colour.Blue);

    public static SKColor Fade(SKColor colour, float alpha) => colour.WithAlpha(Byte(255 * alpha));

    private static byte Byte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
