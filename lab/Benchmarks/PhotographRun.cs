using System.Diagnostics;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Editing.Compositing;
using SkiaSharp;

namespace PromptToPrompt.Benchmarks;

/// <summary>
/// The cost of a photograph of 42 megapixels, from its file to the model's size and back: seconds and peak memory of each step.
/// </summary>
internal static class PhotographRun
{
    private const int Width = 7920;
    private const int Height = 5280;
    private const int Side = 512;
    private const int PerLatent = 8;

    public static int Execute()
    {
        var jpeg = Photograph();
        Measure("framed for the model", () =>
        {
            using var file = ImageFile.Open(new MemoryStream(jpeg), "photograph");
            return file.Read(FramingOf(file.Size));
        });
        var whole = Measure("read whole", () => ImageReader.Read(new MemoryStream(jpeg), "photograph"));
        var framing = FramingOf(whole.Size);
        var framed = Measure("framed from the whole", () => framing.Apply(whole));
        // An edit that changes the left half, through a mask of the upper half.
        var edited = framed with { Rgb = [.. framed.Rgb.Select((value, i) => i / 3 % Side < Side / 2 ? (byte)(255 - value) : value)] };
        var mask = whole with { Rgb = [.. whole.Rgb.Select((_, i) => i < whole.Rgb.Length / 2 ? byte.MaxValue : (byte)0)] };
        var opacities = Measure("mask softened", () => MaskOpacity.Of(mask, framing, PerLatent));
        var drawn = Measure("edit drawn over it", () => Composite.Create(whole, framing, edited, OpacityMap.Of(framing, edited, framed, region: null, PerLatent), opacities));
        var path = Path.GetTempFileName();
        Measure("written", () =>
        {
            drawn.SavePng(path);
            return new FileInfo(path).Length;
        });
        File.Delete(path);
        return 0;
    }

    private static Framing FramingOf(PixelSize size) => Framing.Create(FramingKind.Crop, size, new PixelSize(Side, Side), 8);

    private static byte[] Photograph()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        using var noise = SKShader.CreatePerlinNoiseTurbulence(0.01f, 0.013f, 6, 3);
        using var paint = new SKPaint { Shader = noise };
        canvas.Clear(SKColors.White);
        canvas.DrawPaint(paint);
        using var data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 92);
        return data.ToArray();
    }

    private static T Measure<T>(string what, Func<T> step)
    {
        GC.Collect();
        ResidentMemory.ForgetPeak();
        var before = ResidentMemory.Current;
        var watch = Stopwatch.StartNew();
        var result = step();
        Console.WriteLine(FormattableString.Invariant(
            $"{what}: {watch.Elapsed.TotalSeconds:F2} s, {(ResidentMemory.Peak - before) / 1e6:F0} MB more at its peak"));
        return result;
    }
}
