using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Testing;

/// <summary>A drawn photograph of any size: a white house in a field, sharp and grained at every size, so that no model can reproduce its pixels.</summary>
public static class Photograph
{
    /// <summary>A prompt that describes it.</summary>
    public const string Prompt = "a white house in a field";

    /// <summary>Draws it.</summary>
    public static Image Draw(int width, int height)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(bitmap))
        {
            var (side, middle, ground) = (Math.Min(width, height), width / 2f, height * 0.6f);
            using var sky = SKShader.CreateLinearGradient(new(0, 0), new(0, ground), [new(88, 160, 226), new(170, 212, 240)], SKShaderTileMode.Clamp);
            Fill(canvas, SKRect.Create(width, height), new SKPaint { Shader = sky });
            Fill(canvas, SKRect.Create(0, ground, width, height - ground), new SKPaint { Color = new(120, 188, 76) });
            Fill(canvas, SKRect.Create(middle - (0.2f * side), ground - (0.18f * side), 0.4f * side, 0.3f * side), new SKPaint { Color = new(246, 242, 232) });
            Fill(canvas, SKRect.Create(middle - (0.05f * side), ground - (0.04f * side), 0.1f * side, 0.16f * side), new SKPaint { Color = new(122, 80, 52) });
            using var roof = new SKPathBuilder();
            roof.MoveTo(middle - (0.26f * side), ground - (0.18f * side));
            roof.LineTo(middle, ground - (0.38f * side));
            roof.LineTo(middle + (0.26f * side), ground - (0.18f * side));
            roof.Close();
            using var outline = roof.Detach();
            using var red = new SKPaint { Color = new(184, 74, 58), IsAntialias = true };
            canvas.DrawPath(outline, red);
        }

        return Grained(bitmap);

        static void Fill(SKCanvas canvas, SKRect rectangle, SKPaint paint)
        {
            canvas.DrawRect(rectangle, paint);
            paint.Dispose();
        }
    }

    // The sky stays smooth.
    private static Image Grained(SKBitmap bitmap)
    {
        var pixels = bitmap.GetPixelSpan();
        var (rgb, grain) = (new byte[bitmap.Width * bitmap.Height * 3], new Random(1));
        for (var i = 0; i < rgb.Length; i++)
        {
            var (pixel, channel) = Math.DivRem(i, 3);
            var isSky = pixels[4 * pixel] < pixels[(4 * pixel) + 2];
            rgb[i] = (byte)Math.Clamp(pixels[(4 * pixel) + channel] + (isSky ? 0 : grain.Next(-12, 13)), 0, byte.MaxValue);
        }

        return new Image(bitmap.Width, bitmap.Height, rgb);
    }
}
