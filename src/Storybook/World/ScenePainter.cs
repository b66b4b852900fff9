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
    private Canvases? _canvases;

    /// <summary>Paints a scene.</summary>
    /// <param name="scene">The scene.</param>
    /// <param name="size">Width and height in pixels, at least 8.</param>
    public Painting Paint(Scene scene, int size)
    {
        ArgumentNullException.ThrowIfNull(scene);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 8);
        if (_canvases?.Size != size)
        {
            _canvases?.Dispose();
            _canvases = new Canvases(size);
        }
        return _canvases.Paint(scene);
    }

    /// <inheritdoc/>
    public void Dispose() => _canvases?.Dispose();

    // The pixel buffers of one size, and the brush that draws on them.
    private sealed class Canvases : IDisposable
    {
        private readonly byte[] _pixels;
        private readonly byte[] _maskPixels;
        private readonly byte[] _accessoryPixels;
        private readonly GCHandle[] _pins;
        private readonly SKSurface _surface;
        private readonly SKSurface _mask;
        private readonly SKSurface _accessory;
        private readonly SKSurface _small;
        private readonly Brush _brush;

        public Canvases(int size)
        {
            Size = size;
            (_pixels, _maskPixels, _accessoryPixels) = (new byte[size * size * 4], new byte[size * size * 4], new byte[size * size]);
            _pins = [Pin(_pixels), Pin(_maskPixels), Pin(_accessoryPixels)];
            var colour = new SKImageInfo(size, size, SKColorType.Rgba8888, SKAlphaType.Premul);
            var grey = new SKImageInfo(size, size, SKColorType.Gray8, SKAlphaType.Opaque);
            _surface = SKSurface.Create(colour, _pins[0].AddrOfPinnedObject(), size * 4);
            _mask = SKSurface.Create(colour, _pins[1].AddrOfPinnedObject(), size * 4);
            _accessory = SKSurface.Create(grey, _pins[2].AddrOfPinnedObject(), size);
            var smallSize = Math.Max(4, size * 3 / 10);
            _small = SKSurface.Create(new SKImageInfo(smallSize, smallSize, SKColorType.Rgba8888, SKAlphaType.Premul));
            _brush = new Brush(_surface.Canvas, _mask.Canvas, _accessory.Canvas);
        }

        public int Size { get; }

        public Painting Paint(Scene scene)
        {
            var layout = new Layout(scene.LayoutSeed);
            var stage = new Stage(_brush, layout, new Light(scene, layout));
            _brush.Begin(scene.Style, Size / Layout.Side);
            Sky.Paint(stage, scene);
            Grounds.Paint(stage, scene.Place);
            if (scene.Weather == Weather.Fog)
                Air.Fog(stage);
            if (scene.Style == Style.Photo)
                BlurBackground();
            Cast.Paint(stage, scene);
            Air.Fall(stage, scene.Weather);
            Finish.Paint(_surface.Canvas, layout, scene.Style);
            _brush.End();
            return Collect();
        }

        public void Dispose()
        {
            _brush.Dispose();
            foreach (var surface in (SKSurface[])[_surface, _mask, _accessory, _small])
                surface.Dispose();
            foreach (var pin in _pins)
                pin.Free();
        }

        private static GCHandle Pin(byte[] pixels) => GCHandle.Alloc(pixels, GCHandleType.Pinned);

        // A photo is sharp at its subject only. Shrinking and enlarging blurs at a tenth of a filter's cost.
        private void BlurBackground()
        {
            var linear = new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear);
            using var sharp = _surface.Snapshot();
            _small.Canvas.DrawImage(sharp, SKRect.Create(_small.Canvas.DeviceClipBounds.Width, _small.Canvas.DeviceClipBounds.Height), linear);
            using var soft = _small.Snapshot();
            _surface.Canvas.DrawImage(soft, SKRect.Create(Layout.Side, Layout.Side), new SKSamplingOptions(SKCubicResampler.Mitchell));
        }

        private Painting Collect()
        {
            var count = Size * Size;
            var rgb = new byte[count * 3];
            var (subject, companion, sky) = (new byte[count], new byte[count], new byte[count]);
            for (var i = 0; i < count; i++)
            {
                rgb[i * 3] = _pixels[i * 4];
                rgb[(i * 3) + 1] = _pixels[(i * 4) + 1];
                rgb[(i * 3) + 2] = _pixels[(i * 4) + 2];
                subject[i] = _maskPixels[i * 4];
                companion[i] = _maskPixels[(i * 4) + 1];
                sky[i] = _maskPixels[(i * 4) + 2];
            }
            return new Painting(Size, rgb, subject, companion, sky, (byte[])_accessoryPixels.Clone());
        }
    }
}
