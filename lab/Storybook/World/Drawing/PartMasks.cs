using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>
/// Which part of the scene each pixel shows. Subject red, companion green, sky blue, place black: opaque layers, so the channels are
/// coverages that sum to one. Accessories, which are of the subject too, have a mask of their own.
/// </summary>
internal sealed class PartMasks(SKCanvas parts, SKCanvas accessories) : IDisposable
{
    private readonly SKPaint paint = new() { IsAntialias = true, StrokeCap = SKStrokeCap.Round, StrokeJoin = SKStrokeJoin.Round };

    /// <summary>The part of the scene that is being drawn; <see cref="Part.Whole"/> leaves the masks alone.</summary>
    public Part Part { get; set; }

    /// <summary>Whether what is drawn ends at the edge of a body that has been marked.</summary>
    public bool Inside { get; set; }

    // Details of a figure may stand out from its body; those of the place lie on the place anyway.
    private bool MarksDetails => !Inside && Part is (Part.Subject or Part.Companion or Part.Accessory);

    /// <summary>Marks a body with its edge, or a limb as wide as given.</summary>
    public void Body(SKPath path, float limbWidth, float edgeWidth)
    {
        if (Part == Part.Whole)
            return;
        Prepare(limbWidth);
        if (limbWidth == 0 && edgeWidth > 0)
        {
            paint.Style = SKPaintStyle.StrokeAndFill;
            paint.StrokeWidth = edgeWidth;
        }

        parts.DrawPath(path, paint);
        if (Part == Part.Accessory)
        {
            paint.Color = SKColors.White;
            accessories.DrawPath(path, paint);
        }
    }

    /// <summary>Marks a detail; 0 as the width fills it.</summary>
    public void Detail(SKPath path, float strokeWidth)
    {
        if (!MarksDetails)
            return;
        Prepare(strokeWidth);
        parts.DrawPath(path, paint);
    }

    /// <summary>Marks an oval detail.</summary>
    public void Dot(float x, float y, float radiusX, float radiusY)
    {
        if (!MarksDetails)
            return;
        Prepare(0);
        parts.DrawOval(x, y, radiusX, radiusY, paint);
    }

    public void Dispose() => paint.Dispose();

    private void Prepare(float strokeWidth)
    {
        paint.Style = strokeWidth > 0 ? SKPaintStyle.Stroke : SKPaintStyle.Fill;
        paint.StrokeWidth = strokeWidth;
        paint.Color = Part switch
        {
            Part.Subject or Part.Accessory => new SKColor(255, 0, 0),
            Part.Companion => new SKColor(0, 255, 0),
            Part.Sky => new SKColor(0, 0, 255),
            _ => SKColors.Black,
        };
    }
}
