using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>Draws values per position as colors.</summary>
internal static class HeatMap
{
    // Enlarge small maps first, so that values are smoothed before they become colors.
    private const int MinSide = 320;

    // The picture under the map is dark and gray, and bright only at high attention.
    private const float ImageShare = 0.55f;

    private static readonly SKColor[] Heat = [new(20, 12, 60), new(110, 24, 110), new(206, 62, 76), new(250, 152, 40), new(254, 248, 176)];
    private static readonly SKColor[] Sides = [new(22, 60, 118), new(104, 160, 204), new(244, 243, 238), new(238, 150, 92), new(150, 32, 30)];

    /// <summary>Draws values over a picture: dark where there is nothing, through violet and orange to pale yellow at the strongest.</summary>
    /// <param name="image">What lies under the map.</param>
    /// <param name="values">Height × width values, row by row, not negative.</param>
    /// <param name="width">Values across.</param>
    /// <param name="height">Values down.</param>
    public static SKBitmap Over(Image image, IReadOnlyList<float> values, int width, int height)
    {
        var strongest = Math.Max(values.Max(), float.Epsilon);
        return Draw(image, [.. values.Select(value => value / strongest)], width, height, (value, pixel) =>
        {
            var gray = ImageShare * ((0.3f * pixel.Red) + (0.59f * pixel.Green) + (0.11f * pixel.Blue));
            return Mix(new SKColor((byte)gray, (byte)gray, (byte)gray), Color(Heat, value), 0.2f + (0.75f * value));
        });
    }

    /// <summary>Draws values of both signs: blue below zero, pale at zero, red above.</summary>
    /// <param name="image">The picture whose size and shape the map gets.</param>
    /// <param name="values">Height × width values, row by row.</param>
    /// <param name="width">Values across.</param>
    /// <param name="height">Values down.</param>
    public static SKBitmap Signed(Image image, IReadOnlyList<float> values, int width, int height)
    {
        var largest = Math.Max(values.Max(Math.Abs), float.Epsilon);
        return Draw(image, [.. values.Select(value => 0.5f + (value / largest / 2))], width, height, (value, _) => Color(Sides, value));
    }

    // Values from 0 to 1, each with the pixel that lies under it.
    private static SKBitmap Draw(Image image, float[] values, int width, int height, Func<float, SKColor, SKColor> color)
    {
        var scale = Math.Max(1, MinSide / (float)Math.Max(image.Width, image.Height));
        var size = new SKSizeI((int)(image.Width * scale), (int)(image.Height * scale));
        using var map = new SKBitmap(new SKImageInfo(width, height, SKColorType.Gray8, SKAlphaType.Opaque));
        for (var i = 0; i < values.Length; i++)
            map.SetPixel(i % width, i / width, Gray(Math.Clamp(values[i], 0, 1)));
        using var original = image.ToBitmap();
        using var smooth = Resized(map, size);
        using var pixels = Resized(original, size);
        return new SKBitmap(new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Opaque))
        {
            Pixels = [.. smooth.Pixels.Zip(pixels.Pixels, (value, pixel) => color(value.Red / 255f, pixel))],
        };
    }

    private static SKBitmap Resized(SKBitmap bitmap, SKSizeI size)
    {
        var resized = new SKBitmap(new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(resized);
        canvas.DrawSmooth(bitmap, SKRect.Create(size.Width, size.Height));
        return resized;
    }

    private static SKColor Gray(float value) => new((byte)(255 * value), (byte)(255 * value), (byte)(255 * value));

    private static SKColor Color(SKColor[] ramp, float value)
    {
        var place = value * (ramp.Length - 1);
        var below = Math.Min((int)place, ramp.Length - 2);
        return Mix(ramp[below], ramp[below + 1], place - below);
    }

    private static SKColor Mix(SKColor from, SKColor to, float share) =>
        new(Mix(from.Red, to.Red, share), Mix(from.Green, to.Green, share), Mix(from.Blue, to.Blue, share));

    private static byte Mix(byte from, byte to, float share) => (byte)(from + ((to - from) * share));
}
