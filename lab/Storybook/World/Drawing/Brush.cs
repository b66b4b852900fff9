using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>
/// Draws shapes in the style of the scene, and the same shapes into the masks. Callers are independent of the style;
/// only this class applies it.
/// </summary>
internal sealed class Brush : IDisposable
{
    private readonly SKCanvas canvas;
    private readonly PartMasks masks;
    private readonly SKCanvas[] canvases;
    private readonly Stencils stencils = new();
    private readonly Stack<(Medium Medium, SKPathEffect? Wobble)> frames = new();
    private readonly SKPaint paint = new() { IsAntialias = true, StrokeCap = SKStrokeCap.Round, StrokeJoin = SKStrokeJoin.Round };
    private readonly SKPaint wobblePaint = new();

    private Medium medium;
    private SKPathEffect? wobble;

    public Brush(SKCanvas canvas, SKCanvas mask, SKCanvas accessoryMask)
    {
        this.canvas = canvas;
        masks = new PartMasks(mask, accessoryMask);
        canvases = [canvas, mask, accessoryMask];
    }

    /// <inheritdoc cref="PartMasks.Part"/>
    public Part Part
    {
        get => masks.Part;
        set => masks.Part = value;
    }

    /// <summary>The style of the picture.</summary>
    public Style Style => medium.Style;

    /// <summary>Starts a picture on paper.</summary>
    public void Begin(Style style, float pixelsPerUnit)
    {
        foreach (var each in canvases)
        {
            each.ResetMatrix();
            each.Clear(each == canvas ? Medium.Paper : SKColors.Black);
            each.Scale(pixelsPerUnit, pixelsPerUnit);
        }

        Part = Part.Place;
        medium = new Medium(style, Unit: 1, Turn: 1);
        wobble = medium.Wobble();
    }

    /// <summary>Ends the picture.</summary>
    public void End()
    {
        wobble?.Dispose();
        wobble = null;
    }

    /// <summary>Moves the origin to a point and scales what follows, until <see cref="Leave"/>; turn −1 mirrors it.</summary>
    public void Enter(float x, float y, float scale, float turn = 1)
    {
        frames.Push((medium, wobble));
        foreach (var each in canvases)
        {
            each.Save();
            each.Translate(x, y);
            each.Scale(scale * turn, scale);
        }

        medium = medium with { Unit = medium.Unit * scale, Turn = medium.Turn * turn };
        wobble = medium.Wobble();
    }

    /// <summary>Returns to the frame before the last <see cref="Enter"/>.</summary>
    public void Leave()
    {
        foreach (var each in canvases)
            each.Restore();
        wobble?.Dispose();
        (medium, wobble) = frames.Pop();
    }

    /// <summary>A solid body: lit from above, shaded on the far side, outlined where the style has outlines.</summary>
    public void Shape(string data, SKColor color) => Shape(stencils[data], color);

    /// <inheritdoc cref="Shape(string, SKColor)"/>
    public void Shape(SKPath path, SKColor color)
    {
        using var wobbled = Wobbled(path);
        path = wobbled ?? path;
        masks.Body(path, 0, medium.EdgeWidth);
        var box = path.Bounds;
        switch (Style)
        {
            case Style.Photo:
                using (var shader = Medium.Volume(box, Ink(color)))
                    Fill(path, shader);
                break;
            case Style.Image:
                Fill(path, Tint.Shadow(color, 0.42f));
                canvas.Save();
                canvas.ClipPath(path, SKClipOperation.Intersect, antialias: true);
                // The lit tone is the same shape pushed towards the light: what it leaves bare is the shade.
                canvas.Translate(-Math.Min(box.Width * 0.09f, 7 / medium.Unit), -Math.Min(box.Height * 0.07f, 5 / medium.Unit));
                using (var shader = Medium.Down(box, Tint.Lighten(color, Tint.Luma(color) < 64 ? 0.24f : 0.13f), color))
                    Fill(path, shader);
                canvas.Restore();
                break;
            default:
                Wash(path, color, color);
                break;
        }
    }

    /// <summary>A body of the place: a vertical gradient, no modelling.</summary>
    public void Land(SKPath path, SKColor top, SKColor bottom)
    {
        using var wobbled = Wobbled(path);
        path = wobbled ?? path;
        masks.Body(path, 0, medium.EdgeWidth);
        if (Style is Style.Photo or Style.Image)
        {
            using var shader = Medium.Down(path.Bounds, top, bottom);
            Fill(path, shader);
        }
        else
        {
            Wash(path, top, bottom);
        }
    }

    /// <inheritdoc cref="Land(SKPath, SKColor, SKColor)"/>
    public void Land(string data, SKColor top, SKColor bottom) => Land(stencils[data], top, bottom);

    /// <summary>A detail: one flat tone, never outlined.</summary>
    public void Flat(string data, SKColor color) => Flat(stencils[data], color);

    /// <inheritdoc cref="Flat(string, SKColor)"/>
    public void Flat(SKPath path, SKColor color)
    {
        masks.Detail(path, 0);
        Fill(path, Ink(color));
    }

    /// <summary>An oval detail.</summary>
    public void Dot(float x, float y, float radiusX, float radiusY, SKColor color)
    {
        paint.Color = Ink(color);
        canvas.DrawOval(x, y, radiusX, radiusY, paint);
        masks.Dot(x, y, radiusX, radiusY);
    }

    /// <summary>A limb: a thick line with round ends.</summary>
    public void Limb(string data, SKColor color, float width)
    {
        var path = stencils[data];
        using var wobbled = Wobbled(path);
        path = wobbled ?? path;
        masks.Body(path, width + (medium.Outlined ? 2 * medium.OutlineWidth : 0), medium.EdgeWidth);
        if (medium.Outlined)
            Stroke(path, medium.Outline, width + (2 * medium.OutlineWidth));
        if (Style == Style.Image)
        {
            Stroke(path, Tint.Shadow(color, 0.42f), width);
            canvas.Save();
            canvas.Translate(-0.10f * width, -0.10f * width);
            Stroke(path, color, width * 0.78f);
            canvas.Restore();
            return;
        }
        Stroke(path, Ink(color), width);
        if (Style == Style.Photo)
        {
            canvas.Save();
            canvas.Translate(-0.14f * width, -0.14f * width);
            Stroke(path, Tint.Fade(Tint.Lighten(color, 0.3f), 0.5f), width * 0.4f);
            canvas.Restore();
        }
    }

    /// <summary>A line as a detail.</summary>
    public void Line(string data, SKColor color, float width) => Line(stencils[data], color, width);

    /// <inheritdoc cref="Line(string, SKColor, float)"/>
    public void Line(SKPath path, SKColor color, float width)
    {
        masks.Detail(path, width);
        Stroke(path, Ink(color), width);
    }

    /// <summary>Draws details that end at the edge of a body.</summary>
    public void Inside(string body, Action<Brush> details)
    {
        using var wobbled = Wobbled(stencils[body]);
        canvas.Save();
        canvas.ClipPath(wobbled ?? stencils[body], SKClipOperation.Intersect, antialias: true);
        masks.Inside = true;
        details(this);
        masks.Inside = false;
        canvas.Restore();
    }

    /// <summary>A soft round light or shadow that fades out at its rim.</summary>
    public void Glow(float x, float y, float radiusX, float radiusY, SKColor color, float alpha)
    {
        canvas.Save();
        canvas.Translate(x, y);
        canvas.Scale(radiusX, radiusY);
        var ink = Ink(color);
        using var shader = SKShader.CreateRadialGradient(
            default, 1, [Tint.Fade(ink, alpha), Tint.Fade(ink, alpha * 0.55f), Tint.Fade(ink, 0)], [0, 0.5f, 1], SKShaderTileMode.Clamp);
        paint.Shader = shader;
        canvas.DrawCircle(0, 0, 1, paint);
        paint.Shader = null;
        canvas.Restore();
    }

    /// <summary>A gradient from top to bottom over a rectangle, without outline: sky and veils. Colors may be transparent.</summary>
    public void Veil(SKRect box, SKColor[] colors)
    {
        using var path = Paths.Rectangle(box);
        masks.Body(path, 0, medium.EdgeWidth);
        var inks = Array.ConvertAll(colors, Ink);
        using var gradient = Medium.Down(box, inks);
        Fill(path, gradient);
        if (Style is Style.Drawing or Style.Sketch)
        {
            using var hatch = medium.Hatch(Tint.Fade(SKColors.White, 0), Tint.Fade(SKColors.White, 0.34f));
            Fill(path, hatch);
        }
    }

    public void Dispose()
    {
        End();
        stencils.Dispose();
        paint.Dispose();
        masks.Dispose();
        wobblePaint.Dispose();
    }

    // Drawing with a medium: hatching and an outline, or washes that pool at the edge.
    private void Wash(SKPath path, SKColor top, SKColor bottom)
    {
        var (inkTop, inkBottom) = (Ink(top), Ink(bottom));
        if (Style == Style.Watercolor)
        {
            using (var body = Medium.Down(path.Bounds, Tint.Fade(Tint.Lighten(inkTop, 0.18f), 0.93f), Tint.Fade(inkBottom, 0.93f)))
                Fill(path, body);
            Stroke(path, Tint.Fade(Tint.Shadow(inkBottom, 0.55f), 0.42f), medium.PoolWidth);
            return;
        }
        var ink = Tint.Mix(inkTop, inkBottom, 0.5f);
        using (var hatch = medium.Hatch(ink, Style == Style.Sketch ? Tint.Shadow(ink, 0.16f) : Tint.Lighten(ink, 0.22f)))
            Fill(path, hatch);
        Stroke(path, medium.Outline, medium.OutlineWidth);
    }

    private SKColor Ink(SKColor color) => medium.Ink(color, Part);

    private void Fill(SKPath path, SKShader shader)
    {
        paint.Color = SKColors.Black;
        paint.Shader = shader;
        canvas.DrawPath(path, paint);
        paint.Shader = null;
    }

    private void Fill(SKPath path, SKColor color)
    {
        paint.Color = color;
        canvas.DrawPath(path, paint);
    }

    private void Stroke(SKPath path, SKColor color, float width)
    {
        paint.Style = SKPaintStyle.Stroke;
        paint.StrokeWidth = width;
        paint.Color = color;
        canvas.DrawPath(path, paint);
        paint.Style = SKPaintStyle.Fill;
    }

    // The path as an unsteady hand draws it; null for a steady one.
    private SKPath? Wobbled(SKPath path)
    {
        if (wobble is null)
            return null;
        wobblePaint.PathEffect = wobble;
        return wobblePaint.GetFillPath(path);
    }
}
