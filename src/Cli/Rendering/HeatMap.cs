using PromptToPrompt.Diffusion.Imaging;
using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>Attention as colour over a picture: dark where there is none, through violet and orange to yellow.</summary>
internal static class HeatMap
{
    // How much of the picture shines through, enough to recognise what the attention lies on.
    private const float PictureShare = 0.4f;

    private static readonly SKColor[] Ramp = [new(8, 8, 28), new(92, 24, 120), new(206, 62, 88), new(250, 152, 40), new(252, 246, 160)];

    /// <summary>Draws values, scaled so that the strongest is brightest, over a picture.</summary>
    /// <param name="picture">What lies under the map.</param>
    /// <param name="values">Height × width values, row by row, not negative.</param>
    /// <param name="width">Values across.</param>
    /// <param name="height">Values down.</param>
    public static SKBitmap Draw(Picture picture, IReadOnlyList<float> values, int width, int height)
    {
        using var map = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var strongest = Math.Max(values.Max(), float.Epsilon);
        for (var i = 0; i < values.Count; i++)
            map.SetPixel(i % width, i / width, Colour(values[i] / strongest));
        var drawn = new SKBitmap(new SKImageInfo(picture.Width, picture.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(drawn);
        using var heat = SKImage.FromBitmap(map);
        canvas.DrawImage(heat, SKRect.Create(picture.Width, picture.Height), new SKSamplingOptions(SKCubicResampler.Mitchell));
        using var bitmap = picture.ToBitmap();
        using var under = SKImage.FromBitmap(bitmap);
        using var paint = new SKPaint { Color = SKColors.White.WithAlpha((byte)(255 * PictureShare)) };
        canvas.DrawImage(under, SKRect.Create(picture.Width, picture.Height), new SKSamplingOptions(SKFilterMode.Linear), paint);
        return drawn;
    }

    private static SKColor Colour(float value)
    {
        var place = Math.Clamp(value, 0, 1) * (Ramp.Length - 1);
        var below = Math.Min((int)place, Ramp.Length - 2);
        var (from, to, share) = (Ramp[below], Ramp[below + 1], place - below);
        return new SKColor(Mix(from.Red, to.Red, share), Mix(from.Green, to.Green, share), Mix(from.Blue, to.Blue, share));
    }

    private static byte Mix(byte from, byte to, float share) => (byte)(from + ((to - from) * share));
}
