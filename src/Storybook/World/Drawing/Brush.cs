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

    private readonly SKCanvas _canvas;
    private readonly SKCanvas _mask;
    private readonly SKCanvas _accessoryMask;
    private readonly Stencils _stencils = new();
    private readonly Stack<(float Unit, float Turn, SKPathEffect? Wobble)> _frames = new();
    private readonly SKPaint _paint = new() { IsAntialias = true, StrokeCap = SKStrokeCap.Round, StrokeJoin = SKStrokeJoin.Round };
    private readonly SKPaint _maskPaint = new() { IsAntialias = true, StrokeCap = SKStrokeCap.Round, StrokeJoin = SKStrokeJoin.Round };

    private readonly SKPaint _wobblePaint = new();

    private Style _style;
    private bool _inside;
    private float _unit = 1;
    private float _turn = 1;
    private SKPathEffect? _wobble;

    public Brush(SKCanvas canvas, SKCanvas mask, SKCanvas accessoryMask)
    {
        _canvas = canvas;
        _mask = mask;
        _accessoryMask = accessoryMask;
    }

    /// <summary>The part of the scene that is being drawn; <see cref="Part.Whole"/> leaves the masks alone.</summary>
    public Part Part { get; set; }

    /// <summary>The style of the picture.</summary>
    public Style Style => _style;

    private bool Outlined => _style is Style.Drawing or Style.Sketch;

    /// <summary>Starts a picture on paper.</summary>
    public void Begin(Style style, float pixelsPerUnit)
    {
        _style = style;
        _canvas.ResetMatrix();
        _mask.ResetMatrix();
        _accessoryMask.ResetMatrix();
        _canvas.Clear(Paper);
        _mask.Clear(SKColors.Black);
        _accessoryMask.Clear(SKColors.Black);
        Part = Part.Place;
        _unit = 1;
        _turn = 1;
        SetScale(pixelsPerUnit, pixelsPerUnit);
        _wobble = MakeWobble();
    }

    /// <summary>Ends the picture.</summary>
    public void End()
    {
        _wobble?.Dispose();
        _wobble = null;
    }

    /// <summary>Moves the origin to a point and scales what follows, until <see cref="Leave"/>; turn −1 mirrors it.</summary>
    public void Enter(float x, float y, float scale, float turn = 1)
    {
        _frames.Push((_unit, _turn, _wobble));
        foreach (var canvas in (ReadOnlySpan<SKCanvas>)[_canvas, _mask, _accessoryMask])
        {
            canvas.Save();
            canvas.Translate(x, y);
        }
        _unit *= scale;
        _turn *= turn;
        SetScale(scale * turn, scale);
        _wobble = MakeWobble();
    }

    /// <summary>Returns to the frame before the last <see cref="Enter"/>.</summary>
    public void Leave()
    {
        _canvas.Restore();
        _mask.Restore();
        _accessoryMask.Restore();
        _wobble?.Dispose();
        (_unit, _turn, _wobble) = _frames.Pop();
    }

    /// <summary>A solid body: lit from above, shaded on the far side, outlined where the style has outlines.</summary>
    public void Shape(string data, SKColor colour) => Shape(_stencils[data], colour);

    /// <inheritdoc cref="Shape(string, SKColor)"/>
    public void Shape(SKPath path, SKColor colour)
    {
        using var wobbled = Wobbled(path);
        path = wobbled ?? path;
        Mark(path, 0);
        var box = path.Bounds;
        switch (_style)
        {
            case Style.Photo:
                using (var shader = Volume(box, colour))
                    Fill(path, shader);
                break;
            case Style.Picture:
                Fill(path, Tint.Shadow(colour, 0.42f));
                _canvas.Save();
                _canvas.ClipPath(path, SKClipOperation.Intersect, antialias: true);
                // The lit tone is the same shape pushed towards the light: what it leaves bare is the shade.
                _canvas.Translate(-Math.Min(box.Width * 0.09f, 7 / _unit), -Math.Min(box.Height * 0.07f, 5 / _unit));
                using (var shader = Down(box, Tint.Lighten(colour, Tint.Luma(colour) < 64 ? 0.24f : 0.13f), colour))
                    Fill(path, shader);
                _canvas.Restore();
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
        if (_style is Style.Photo or Style.Picture)
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
    public void Land(string data, SKColor top, SKColor bottom) => Land(_stencils[data], top, bottom);

    /// <summary>A detail: one flat tone, never outlined.</summary>
    public void Flat(string data, SKColor colour) => Flat(_stencils[data], colour);

    /// <inheritdoc cref="Flat(string, SKColor)"/>
    public void Flat(SKPath path, SKColor colour)
    {
        MarkDetail(path, 0);
        Fill(path, Ink(colour));
    }

    /// <summary>An oval detail.</summary>
    public void Dot(float x, float y, float radiusX, float radiusY, SKColor colour)
    {
        _paint.Color = Ink(colour);
        _canvas.DrawOval(x, y, radiusX, radiusY, _paint);
        if (!MarksDetails)
            return;
        SetMaskPaint(0);
        _mask.DrawOval(x, y, radiusX, radiusY, _maskPaint);
    }

    /// <summary>A limb: a thick line with round ends.</summary>
    public void Limb(string data, SKColor colour, float width)
    {
        var path = _stencils[data];
        using var wobbled = Wobbled(path);
        path = wobbled ?? path;
        Mark(path, width + (Outlined ? 2 * OutlineWidth : 0));
        if (Outlined)
            Stroke(path, Outline, width + (2 * OutlineWidth));
        if (_style == Style.Picture)
        {
            Stroke(path, Tint.Shadow(colour, 0.42f), width);
            _canvas.Save();
            _canvas.Translate(-0.10f * width, -0.10f * width);
            Stroke(path, colour, width * 0.78f);
            _canvas.Restore();
            return;
        }
        Stroke(path, Ink(colour), width);
        if (_style == Style.Photo)
        {
            _canvas.Save();
            _canvas.Translate(-0.14f * width, -0.14f * width);
            Stroke(path, Tint.Fade(Tint.Lighten(colour, 0.3f), 0.5f), width * 0.4f);
            _canvas.Restore();
        }
    }

    /// <summary>A line as a detail.</summary>
    public void Line(string data, SKColor colour, float width) => Line(_stencils[data], colour, width);

    /// <inheritdoc cref="Line(string, SKColor, float)"/>
    public void Line(SKPath path, SKColor colour, float width)
    {
        MarkDetail(path, width);
        Stroke(path, Ink(colour), width);
    }

    /// <summary>Draws details that end at the edge of a body.</summary>
    public void Inside(string body, Action<Brush> details)
    {
        using var wobbled = Wobbled(_stencils[body]);
        _canvas.Save();
        _canvas.ClipPath(wobbled ?? _stencils[body], SKClipOperation.Intersect, antialias: true);
        _inside = true;
        details(this);
        _inside = false;
        _canvas.Restore();
    }

    /// <summary>A soft round light or shadow that fades out at its rim.</summary>
    public void Glow(float x, float y, float radiusX, float radiusY, SKColor colour, float alpha)
    {
        _canvas.Save();
        _canvas.Translate(x, y);
        _canvas.Scale(radiusX, radiusY);
        var ink = Ink(colour);
        using var shader = SKShader.CreateRadialGradient(
            default, 1, [Tint.Fade(ink, alpha), Tint.Fade(ink, alpha * 0.55f), Tint.Fade(ink, 0)], [0, 0.5f, 1], SKShaderTileMode.Clamp);
        _paint.Shader = shader;
        _canvas.DrawCircle(0, 0, 1, _paint);
        _paint.Shader = null;
        _canvas.Restore();
    }

    /// <summary>A gradient from top to bottom over a rectangle, without outline: sky and veils. Colours may be transparent.</summary>
    public void Veil(SKRect box, SKColor[] colours)
    {
        using var path = Paths.Rectangle(box);
        Mark(path, 0);
        var inks = Array.ConvertAll(colours, Ink);
        using var gradient = SKShader.CreateLinearGradient(new(0, box.Top), new(0, box.Bottom), inks, SKShaderTileMode.Clamp);
        Fill(path, gradient);
        if (_style is Style.Drawing or Style.Sketch)
        {
            using var hatch = Hatch(Tint.Fade(SKColors.White, 0), Tint.Fade(SKColors.White, 0.34f));
            Fill(path, hatch);
        }
    }

    /// <summary>A colour as the style's medium gives it.</summary>
    public SKColor Ink(SKColor colour) => _style switch
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
        _stencils.Dispose();
        _paint.Dispose();
        _maskPaint.Dispose();
        _wobblePaint.Dispose();
    }

    private SKColor Outline => _style == Style.Sketch ? Graphite : Crayon;

    // Widths of outlines are those of the tool in the hand, whatever the size of the thing drawn.
    private float OutlineWidth => (_style == Style.Sketch ? 1.8f : Math.Min(2.3f, 1.6f + _unit)) / _unit;

    // Drawing with a medium: hatching and an outline, or washes that pool at the edge.
    private void Wash(SKPath path, SKColor top, SKColor bottom)
    {
        var (inkTop, inkBottom) = (Ink(top), Ink(bottom));
        if (_style == Style.Watercolor)
        {
            using (var body = Down(path.Bounds, Tint.Fade(Tint.Lighten(inkTop, 0.18f), 0.93f), Tint.Fade(inkBottom, 0.93f)))
                Fill(path, body);
            Stroke(path, Tint.Fade(Tint.Shadow(inkBottom, 0.55f), 0.42f), WashEdge / _unit);
            return;
        }
        var ink = Tint.Mix(inkTop, inkBottom, 0.5f);
        using (var hatch = Hatch(ink, _style == Style.Sketch ? Tint.Shadow(ink, 0.16f) : Tint.Lighten(ink, 0.22f)))
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
        _canvas.Scale(x, y);
        _mask.Scale(x, y);
        _accessoryMask.Scale(x, y);
    }

    private SKPathEffect? MakeWobble()
    {
        var (step, swing) = _style switch
        {
            Style.Drawing => (9f, Math.Min(1.5f, 3 * _unit)),
            Style.Watercolor => (7f, Math.Min(1.0f, 2 * _unit)),
            Style.Sketch => (11f, Math.Min(0.9f, 2 * _unit)),
            _ => (0f, 0f),
        };
        if (step == 0)
            return null;
        using var jitter = SKPathEffect.CreateDiscrete(step / _unit, swing / _unit, 7);
        using var round = SKPathEffect.CreateCorner(step * 0.6f / _unit);
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
        var period = 6.4f / _unit;
        return SKShader.CreateLinearGradient(
            default, new(period * 0.72f * _turn, period * 0.72f), [from, to, from], SKShaderTileMode.Repeat);
    }

    private void Fill(SKPath path, SKShader shader)
    {
        _paint.Color = SKColors.Black;
        _paint.Shader = shader;
        _canvas.DrawPath(path, _paint);
        _paint.Shader = null;
    }

    private void Fill(SKPath path, SKColor colour)
    {
        _paint.Color = colour;
        _canvas.DrawPath(path, _paint);
    }

    private void Stroke(SKPath path, SKColor colour, float width)
    {
        _paint.Style = SKPaintStyle.Stroke;
        _paint.StrokeWidth = width;
        _paint.Color = colour;
        _canvas.DrawPath(path, _paint);
        _paint.Style = SKPaintStyle.Fill;
    }

    // The path as an unsteady hand draws it; null for a steady one.
    private SKPath? Wobbled(SKPath path)
    {
        if (_wobble is null)
            return null;
        _wobblePaint.PathEffect = _wobble;
        return _wobblePaint.GetFillPath(path);
    }

    // Details of a figure may stand out from its body; those of the place lie on the place anyway.
    private bool MarksDetails => !_inside && Part is (Part.Subject or Part.Companion or Part.Accessory);

    private void MarkDetail(SKPath path, float strokeWidth)
    {
        if (!MarksDetails)
            return;
        SetMaskPaint(strokeWidth);
        _mask.DrawPath(path, _maskPaint);
    }

    // A body with its outline, or a limb as wide as given.
    private void Mark(SKPath path, float limbWidth)
    {
        if (Part == Part.Whole)
            return;
        SetMaskPaint(limbWidth);
        if (limbWidth == 0 && EdgeWidth > 0)
        {
            _maskPaint.Style = SKPaintStyle.StrokeAndFill;
            _maskPaint.StrokeWidth = EdgeWidth;
        }
        _mask.DrawPath(path, _maskPaint);
        if (Part == Part.Accessory)
        {
            _maskPaint.Color = SKColors.White;
            _accessoryMask.DrawPath(path, _maskPaint);
        }
    }

    private float EdgeWidth => Outlined ? OutlineWidth : _style == Style.Watercolor ? WashEdge / _unit : 0;

    // Subject red, companion green, sky blue, place black: opaque layers, so the channels are coverages that sum to one.
    private void SetMaskPaint(float strokeWidth)
    {
        _maskPaint.Style = strokeWidth > 0 ? SKPaintStyle.Stroke : SKPaintStyle.Fill;
        _maskPaint.StrokeWidth = strokeWidth;
        _maskPaint.Color = Part switch
        {
            Part.Subject or Part.Accessory => new SKColor(255, 0, 0),
            Part.Companion => new SKColor(0, 255, 0),
            Part.Sky => new SKColor(0, 0, 255),
            _ => SKColors.Black,
        };
    }
}
