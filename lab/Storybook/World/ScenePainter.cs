using System.Runtime.InteropServices;
using PromptToPrompt.Storybook.World.Drawing;
using SkiaSharp;

namespace PromptToPrompt.Storybook.World;

/// <summary>
/// Paints scenes on the processor. The same scene and size always give the same bytes. A painter reuses its surfaces and
/// is for one thread at a time; making one is cheap.
/// </summary>
public sealed class ScenePainter : IDisposable
{
    private Canvases? canvases;

    /// <summary>Paints a scene.</summary>
    /// <param name="scene">The scene.</param>
    /// <param name="size">Width and height in pixels, at least 8.</param>
    public Painting Paint(Scene scene, int size)
    {
        ArgumentNullException.ThrowIfNull(scene);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 8);
        if (canvases?.Size != size)
        {
            canvases?.Dispose();
            canvases = new Canvases(size);
        }
        return canvases.Paint(scene);
    }

    /// <inheritdoc/>
    public void Dispose() => canvases?.Dispose();

    // The pixel buffers of one size, and the brush that draws on them.
    private sealed class Canvases : IDisposable
    {
        private readonly byte[] pixels;
        private readonly byte[] maskPixels;
        private readonly byte[] accessoryPixels;
        private readonly GCHandle[] pins;
        private readonly SKSurface surface;
        private readonly SKSurface mask;
        private readonly SKSurface accessory;
        private readonly SKSurface small;
        private readonly Brush brush;

        public Canvases(int size)
        {
            Size = size;
            (pixels, maskPixels, accessoryPixels) = (new byte[size * size * 4], new byte[size * size * 4], new byte[size * size]);
            pins = [Pin(pixels), Pin(maskPixels), Pin(accessoryPixels)];
            var color = new SKImageInfo(size, size, SKColorType.Rgba8888, SKAlphaType.Premul);
            var gray = new SKImageInfo(size, size, SKColorType.Gray8, SKAlphaType.Opaque);
            surface = SKSurface.Create(color, pins[0].AddrOfPinnedObject(), size * 4);
            mask = SKSurface.Create(color, pins[1].AddrOfPinnedObject(), size * 4);
            accessory = SKSurface.Create(gray, pins[2].AddrOfPinnedObject(), size);
            var smallSize = Math.Max(4, size * 3 / 10);
            small = SKSurface.Create(new SKImageInfo(smallSize, smallSize, SKColorType.Rgba8888, SKAlphaType.Premul));
            brush = new Brush(surface.Canvas, mask.Canvas, accessory.Canvas);
        }

        public int Size { get; }

        public Painting Paint(Scene scene)
        {
            var layout = new Layout(scene.LayoutSeed);
            var stage = new Stage(brush, layout, new Light(scene, layout));
            brush.Begin(scene.Style, Size / Layout.Side);
            Sky.Paint(stage, scene);
            Grounds.Paint(stage, scene.Place);
            if (scene.Weather == Weather.Fog)
                Air.Fog(stage);
            if (scene.Style == Style.Photo)
                BlurBackground();
            Cast.Paint(stage, scene);
            Air.Fall(stage, scene.Weather);
            Finish.Paint(surface.Canvas, layout, scene.Style);
            brush.End();
            return Collect();
        }

        public void Dispose()
        {
            brush.Dispose();
            foreach (var surface in (SKSurface[])[surface, mask, accessory, small])
                surface.Dispose();
            foreach (var pin in pins)
                pin.Free();
        }

        private static GCHandle Pin(byte[] pixels) => GCHandle.Alloc(pixels, GCHandleType.Pinned);

        // A photo is sharp at its subject only. Shrinking and enlarging blurs at a tenth of a filter's cost.
        private void BlurBackground()
        {
            var linear = new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear);
            using var sharp = surface.Snapshot();
            small.Canvas.DrawImage(sharp, SKRect.Create(small.Canvas.DeviceClipBounds.Width, small.Canvas.DeviceClipBounds.Height), linear);
            using var soft = small.Snapshot();
            surface.Canvas.DrawImage(soft, SKRect.Create(Layout.Side, Layout.Side), new SKSamplingOptions(SKCubicResampler.Mitchell));
        }

        private Painting Collect()
        {
            var count = Size * Size;
            var rgb = new byte[count * 3];
            var (subject, companion, sky) = (new byte[count], new byte[count], new byte[count]);
            for (var i = 0; i < count; i++)
            {
                rgb[i * 3] = pixels[i * 4];
                rgb[(i * 3) + 1] = pixels[(i * 4) + 1];
                rgb[(i * 3) + 2] = pixels[(i * 4) + 2];
                subject[i] = maskPixels[i * 4];
                companion[i] = maskPixels[(i * 4) + 1];
                sky[i] = maskPixels[(i * 4) + 2];
            }
            return new Painting(Size, rgb, subject, companion, sky, (byte[])accessoryPixels.Clone());
        }
    }
}
