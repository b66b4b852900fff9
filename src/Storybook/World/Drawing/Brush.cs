using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>
/// Draws shapes in the style of the scene, and the same shapes into the masks. What is drawn never asks for the style;
/// how it is drawn is decided here alone.
/// </summary>
internal sealed class Brush : IDisposable
{
    private const float WashEdge = 1.7f;

    private static readonly SKColor Paper = Tint.Rgb(0xFBF8F0);
    private static readonly SKColor Crayon = Tint.Rgb(0x43343C);
    private static readonly SKColor Graphite = Tint.Rgb(0x4E4E54);

    private readonly SKCanvas canvas;
    private readonly SKCanvas mask;
    private readonly SKCanvas accessoryMask;
    private readonly Stencils stencils = new();
    private readonly Stack<(float Unit, float Turn, SKPathEffect? Wobble)> frames = new();
    private readonly SKPaint paint = new() { IsAntialias = true, StrokeCap = SKStrokeCap.Round, StrokeJoin = SKStrokeJoin.Round };
    private readonly SKPaint maskPaint = new() { IsAntialias = true, StrokeCap = SKStrokeCap.Round, StrokeJoin = SKStrokeJoin.Round };

    private readonly SKPaint wobblePaint = new();

    private Style style;
    private bool inside;
    private float unit = 1;
    private float turn = 1;
    private SKPathEffect? wobble;

    public Brush(SKCanvas canvas, SKCanvas mask, SKCanvas accessoryMask)
    {
        this.canvas = canvas;
        this.mask = mask;
        this.accessoryMask = accessoryMask;
    }

    /// <summary>The part of the scene that is being drawn; <see cref="Part.Whole"/> leaves the masks alone.</summary>
    public Part Part { get; set; }

    /// <summary>The style of the picture.</summary>
    public Style Style => style;

    private bool Outlined => style is Style.Drawing or Style.Sketch;

    /// <summary>Starts a picture on paper.</summary>
    public void Begin(Style style, float pixelsPerUnit)
    {
        this.style = style;
        canvas.ResetMatrix();
        mask.ResetMatrix();
        accessoryMask.ResetMatrix();
        canvas.Clear(Paper);
        mask.Clear(SKColors.Black);
        accessoryMask.Clear(SKColors.Black);
        Part = Part.Place;
        unit = 1;
        turn = 1;
        SetScale(pixelsPerUnit, pixelsPerUnit);
        wobble = MakeWobble();
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
        frames.Push((unit, turn, wobble));
        foreach (var canvas in (ReadOnlySpan<SKCanvas>)[canvas, mask, accessoryMask])
        {
            canvas.Save();
            canvas.Translate(x, y);
        }
        unit *= scale;
        turn *= turn;
        SetScale(scale * turn, scale);
        wobble = MakeWobble();
    }

    /// <summary>Returns to the frame before the last <see cref="Enter"/>.</summary>
    public void Leave()
    {
        canvas.Restore();
        mask.Restore();
        accessoryMask.Restore();
        wobble?.Dispose();
        (unit, turn, wobble) = frames.Pop();
    }

    /// <summary>A solid body: lit from above, shaded on the far side, outlined where the style has outlines.</summary>
    public void Shape(string data, SKColor colour) => Shape(stencils[data], colour);

    /// <inheritdoc cref="Shape(string, SKColor)"/>
    public void Shape(SKPath path, SKColor colour)
    {
        using var wobbled = Wobbled(path);
        path = wobbled ?? path;
        Mark(path, 0);
        var box = path.Bounds;
        switch (style)
        {
            case Style.Photo:
                using (var shader = Volume(box, colour))
                    Fill(path, shader);
                break;
            case Style.Picture:
                Fill(path, Tint.Shadow(colour, 0.42f));
                canvas.Save();
                canvas.ClipPath(path, SKClipOperation.Intersect, antialias: true);
                // The lit tone is the same shape pushed towards the light: what it leaves bare is the shade.
                canvas.Translate(-Math.Min(box.Width * 0.09f, 7 / unit), -Math.Min(box.Height * 0.07f, 5 / unit));
                using (var shader = Down(box, Tint.Lighten(colour, Tint.Luma(colour) < 64 ? 0.24f : 0.13f), colour))
                    Fill(path, shader);
                canvas.Restore();
                break;
            default:
                Wash(path, colour, colour);
                break;
        }
    }

    /// <summary>A body of the place: a vertical gradient, no modelling.</summary>
    public void Land(SKPath path, SKColor top, SKColor bottom)
    {
        using var wobbled = Wobbled(path);
        path = wobbled ?? path;
        Mark(path, 0);
        if (style is Style.Photo or Style.Picture)
        {
            using var shader = Down(path.Bounds, top, bottom);
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
    public void Flat(string data, SKColor colour) => Flat(stencils[data], colour);

    /// <inheritdoc cref="Flat(string, SKColor)"/>
    public void Flat(SKPath path, SKColor colour)
    {
        MarkDetail(path, 0);
        Fill(path, Ink(colour));
    }

    /// <summary>An oval detail.</summary>
    public void Dot(float x, float y, float radiusX, float radiusY, SKColor colour)
    {
        paint.Color = Ink(colour);
        canvas.DrawOval(x, y, radiusX, radiusY, paint);
        if (!MarksDetails)
            return;
        SetMaskPaint(0);
        mask.DrawOval(x, y, radiusX, radiusY, maskPaint);
    }

    /// <summary>A limb: a thick line with round ends.</summary>
    public void Limb(string data, SKColor colour, float width)
    {
        var path = stencils[data];
        using var wobbled = Wobbled(path);
        path = wobbled ?? path;
        Mark(path, width + (Outlined ? 2 * OutlineWidth : 0));
        if (Outlined)
            Stroke(path, Outline, width + (2 * OutlineWidth));
        if (style == Style.Picture)
        {
            Stroke(path, Tint.Shadow(colour, 0.42f), width);
            canvas.Save();
            canvas.Translate(-0.10f * width, -0.10f * width);
            Stroke(path, colour, width * 0.78f);
            canvas.Restore();
            return;
        }
        Stroke(path, Ink(colour), width);
        if (style == Style.Photo)
        {
            canvas.Save();
            canvas.Translate(-0.14f * width, -0.14f * width);
            Stroke(path, Tint.Fade(Tint.Lighten(colour, 0.3f), 0.5f), width * 0.4f);
            canvas.Restore();
        }
    }

    /// <summary>A line as a detail.</summary>
    public void Line(string data, SKColor colour, float width) => Line(stencils[data], colour, width);

    /// <inheritdoc cref="Line(string, SKColor, float)"/>
    public void Line(SKPath path, SKColor colour, float width)
    {
        MarkDetail(path, width);
        Stroke(path, Ink(colour), width);
    }

    /// <summary>Draws details that end at the edge of a body.</summary>
    public void Inside(string body, Action<Brush> details)
    {
        using var wobbled = Wobbled(stencils[body]);
        canvas.Save();
        canvas.ClipPath(wobbled ?? stencils[body], SKClipOperation.Intersect, antialias: true);
        inside = true;
        details(this);
        inside = false;
        canvas.Restore();
    }

    /// <summary>A soft round light or shadow that fades out at its rim.</summary>
    public void Glow(float x, float y, float radiusX, float radiusY, SKColor colour, float alpha)
    {
        canvas.Save();
        canvas.Translate(x, y);
        canvas.Scale(radiusX, radiusY);
        var ink = Ink(colour);
        using var shader = SKShader.CreateRadialGradient(
            default, 1, [Tint.Fade(ink, alpha), Tint.Fade(ink, alpha * 0.55f), Tint.Fade(ink, 0)], [0, 0.5f, 1], SKShaderTileMode.Clamp);
        paint.Shader = shader;
        canvas.DrawCircle(0, 0, 1, paint);
        paint.Shader = null;
        canvas.Restore();
    }

    /// <summary>A gradient from top to bottom over a rectangle, without outline: sky and veils. Colours may be transparent.</summary>
    public void Veil(SKRect box, SKColor[] colours)
    {
        using var path = Paths.Rectangle(box);
        Mark(path, 0);
        var inks = Array.ConvertAll(colours, Ink);
        using var gradient = SKShader.CreateLinearGradient(new(0, box.Top), new(0, box.Bottom), inks, SKShaderTileMode.Clamp);
        Fill(path, gradient);
        if (style is Style.Drawing or Style.Sketch)
        {
            using var hatch = Hatch(Tint.Fade(SKColors.White, 0), Tint.Fade(SKColors.White, 0.34f));
            Fill(path, hatch);
        }
    }

    /// <summary>A colour as the style's medium gives it.</summary>
    public SKColor Ink(SKColor colour) => style switch
    {
        Style.Drawing => Tint.Saturate(Tint.Lighten(colour, Part is Part.Place or Part.Sky ? 0.20f : 0.04f), 1.25f),
        Style.Watercolor => Tint.Mix(Tint.Saturate(colour, 1.12f), Paper.WithAlpha(colour.Alpha), 0.26f),
        Style.Sketch => Grey(colour),
        Style.Photo => Tint.Saturate(colour, 0.94f),
        _ => colour,
    };

    public void Dispose()
    {
        End();
        stencils.Dispose();
        paint.Dispose();
        maskPaint.Dispose();
        wobblePaint.Dispose();
    }

    private SKColor Outline => style == Style.Sketch ? Graphite : Crayon;

    // Widths of outlines are those of the tool in the hand, whatever the size of the thing drawn.
    private float OutlineWidth => (style == Style.Sketch ? 1.8f : Math.Min(2.3f, 1.6f + unit)) / unit;

    // Drawing with a medium: hatching and an outline, or washes that pool at the edge.
    private void Wash(SKPath path, SKColor top, SKColor bottom)
    {
        var (inkTop, inkBottom) = (Ink(top), Ink(bottom));
        if (style == Style.Watercolor)
        {
            using (var body = Down(path.Bounds, Tint.Fade(Tint.Lighten(inkTop, 0.18f), 0.93f), Tint.Fade(inkBottom, 0.93f)))
                Fill(path, body);
            Stroke(path, Tint.Fade(Tint.Shadow(inkBottom, 0.55f), 0.42f), WashEdge / unit);
            return;
        }
        var ink = Tint.Mix(inkTop, inkBottom, 0.5f);
        using (var hatch = Hatch(ink, style == Style.Sketch ? Tint.Shadow(ink, 0.16f) : Tint.Lighten(ink, 0.22f)))
            Fill(path, hatch);
        Stroke(path, Outline, OutlineWidth);
    }

    private static SKColor Grey(SKColor colour)
    {
        var light = (byte)(126 + (Tint.Luma(colour) * 0.50f));
        return new SKColor(light, light, (byte)(light - 2), colour.Alpha);
    }

    private void SetScale(float x, float y)
    {
        canvas.Scale(x, y);
        mask.Scale(x, y);
        accessoryMask.Scale(x, y);
    }

    private SKPathEffect? MakeWobble()
    {
        var (step, swing) = style switch
        {
            Style.Drawing => (9f, Math.Min(1.5f, 3 * unit)),
            Style.Watercolor => (7f, Math.Min(1.0f, 2 * unit)),
            Style.Sketch => (11f, Math.Min(0.9f, 2 * unit)),
            _ => (0f, 0f),
        };
        if (step == 0)
            return null;
        using var jitter = SKPathEffect.CreateDiscrete(step / unit, swing / unit, 7);
        using var round = SKPathEffect.CreateCorner(step * 0.6f / unit);
        return SKPathEffect.CreateCompose(round, jitter);
    }

    private SKShader Volume(SKRect box, SKColor colour)
    {
        var ink = Ink(colour);
        var radius = 0.80f * Math.Max(box.Width, box.Height);
        return SKShader.CreateRadialGradient(
            new(box.Left + (box.Width * 0.34f), box.Top + (box.Height * 0.26f)),
            radius,
            [Tint.Lighten(ink, 0.30f), ink, Tint.Shadow(ink, 0.62f)],
            [0, 0.42f, 1],
            SKShaderTileMode.Clamp);
    }

    private static SKShader Down(SKRect box, SKColor top, SKColor bottom) => SKShader.CreateLinearGradient(
        new(0, box.Top), new(0, box.Bottom), [top, bottom], SKShaderTileMode.Clamp);

    private SKShader Hatch(SKColor from, SKColor to)
    {
        var period = 6.4f / unit;
        return SKShader.CreateLinearGradient(
            default, new(period * 0.72f * turn, period * 0.72f), [from, to, from], SKShaderTileMode.Repeat);
    }

    private void Fill(SKPath path, SKShader shader)
    {
        paint.Color = SKColors.Black;
        paint.Shader = shader;
        canvas.DrawPath(path, paint);
        paint.Shader = null;
    }

    private void Fill(SKPath path, SKColor colour)
    {
        paint.Color = colour;
        canvas.DrawPath(path, paint);
    }

    private void Stroke(SKPath path, SKColor colour, float width)
    {
        paint.Style = SKPaintStyle.Stroke;
        paint.StrokeWidth = width;
        paint.Color = colour;
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

    // Details of a figure may stand out from its body; those of the place lie on the place anyway.
    private bool MarksDetails => !inside && Part is (Part.Subject or Part.Companion or Part.Accessory);

    private void MarkDetail(SKPath path, float strokeWidth)
    {
        if (!MarksDetails)
            return;
        SetMaskPaint(strokeWidth);
        mask.DrawPath(path, maskPaint);
    }

    // A body with its outline, or a limb as wide as given.
    private void Mark(SKPath path, float limbWidth)
    {
        if (Part == Part.Whole)
            return;
        SetMaskPaint(limbWidth);
        if (limbWidth == 0 && EdgeWidth > 0)
        {
            maskPaint.Style = SKPaintStyle.StrokeAndFill;
            maskPaint.StrokeWidth = EdgeWidth;
        }
        mask.DrawPath(path, maskPaint);
        if (Part == Part.Accessory)
        {
            maskPaint.Color = SKColors.White;
            accessoryMask.DrawPath(path, maskPaint);
        }
    }

    private float EdgeWidth => Outlined ? OutlineWidth : style == Style.Watercolor ? WashEdge / unit : 0;

    // Subject red, companion green, sky blue, place black: opaque layers, so the channels are coverages that sum to one.
    private void SetMaskPaint(float strokeWidth)
    {
        maskPaint.Style = strokeWidth > 0 ? SKPaintStyle.Stroke : SKPaintStyle.Fill;
        maskPaint.StrokeWidth = strokeWidth;
        maskPaint.Color = Part switch
        {
            Part.Subject or Part.Accessory => new SKColor(255, 0, 0),
            Part.Companion => new SKColor(0, 255, 0),
            Part.Sky => new SKColor(0, 0, 255),
            _ => SKColors.Black,
        };
    }
}
