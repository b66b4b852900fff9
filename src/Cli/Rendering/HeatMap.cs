using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>Draws values per position as colors, at the shape of an image.</summary>
internal sealed class HeatMap
{
    // Enlarge small maps first, so that values are smoothed before they become colors.
    private const int MinSide = 320;

    // The picture under the map is dark and gray, and bright only at high attention.
    private const float ImageShare = 0.55f;

    private static readonly SKColor[] Heat = [new(20, 12, 60), new(110, 24, 110), new(206, 62, 76), new(250, 152, 40), new(254, 248, 176)];
    private static readonly SKColor[] Sides = [new(22, 60, 118), new(104, 160, 204), new(244, 243, 238), new(238, 150, 92), new(150, 32, 30)];

    private readonly SKImageInfo info;
    private readonly byte[] gray;

    /// <param name="image">The image whose shape the maps get, and which lies under <see cref="Over"/>.</param>
    public HeatMap(Image image)
    {
        var scale = Math.Max(1, MinSide / (float)Math.Max(image.Width, image.Height));
        info = new SKImageInfo((int)(image.Width * scale), (int)(image.Height * scale), SKColorType.Rgba8888, SKAlphaType.Opaque);
        var pixels = image.Resize(info.Width, info.Height).Rgb;
        gray = new byte[info.Width * info.Height];
        for (var i = 0; i < gray.Length; i++)
            gray[i] = (byte)(ImageShare * ((0.3f * pixels[3 * i]) + (0.59f * pixels[(3 * i) + 1]) + (0.11f * pixels[(3 * i) + 2])));
    }

    /// <summary>Draws values over the image: dark where there is nothing, through violet and orange to pale yellow at the strongest.</summary>
    /// <param name="values">Height × width values, row by row, not negative.</param>
    /// <param name="width">Values across.</param>
    /// <param name="height">Values down.</param>
    public SKBitmap Over(IReadOnlyList<float> values, int width, int height)
    {
        var strongest = Math.Max(values.Max(), float.Epsilon);
        return Draw([.. values.Select(value => value / strongest)], width, height, Heat, value => 0.2f + (0.75f * value));
    }

    /// <summary>Draws values of both signs: blue below zero, pale at zero, red above.</summary>
    /// <param name="values">Height × width values, row by row.</param>
    /// <param name="width">Values across.</param>
    /// <param name="height">Values down.</param>
    public SKBitmap Signed(IReadOnlyList<float> values, int width, int height)
    {
        var largest = Math.Max(values.Max(Math.Abs), float.Epsilon);
        return Draw([.. values.Select(value => 0.5f + (value / largest / 2))], width, height, Sides, _ => 1);
    }

    // Values from 0 to 1 as colors of a ramp, which cover the image by a share that depends on the value.
    private SKBitmap Draw(float[] values, int width, int height, SKColor[] ramp, Func<float, float> share)
    {
        var bytes = values.Select(value => (byte)(255 * Math.Clamp(value, 0, 1)));
        var smooth = new Image(width, height, [.. bytes.SelectMany(value => Enumerable.Repeat(value, 3))]).Resize(info.Width, info.Height).Rgb;
        // The smoothed values are bytes, so there are 256 colors.
        var colors = Enumerable.Range(0, 256).Select(value => (Color: Color(ramp, value / 255f), Share: share(value / 255f))).ToArray();
        var drawn = new SKBitmap(info);
        var result = drawn.GetPixelSpan();
        for (var i = 0; i < gray.Length; i++)
        {
            var (color, cover) = colors[smooth[3 * i]];
            result[4 * i] = Mix(gray[i], color.Red, cover);
            result[(4 * i) + 1] = Mix(gray[i], color.Green, cover);
            result[(4 * i) + 2] = Mix(gray[i], color.Blue, cover);
            result[(4 * i) + 3] = byte.MaxValue;
        }

        return drawn;
    }

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
