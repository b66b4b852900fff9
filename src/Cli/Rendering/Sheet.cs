using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>A picture with words under it.</summary>
internal sealed record SheetCell(SKBitmap Picture, string Caption);

/// <summary>Pictures in rows and columns, captioned.</summary>
internal static class Sheet
{
    private const int Gap = 12;
    private const float TextSize = 15;
    private const float LineHeight = 19;

    // Small pictures are enlarged to this, so that people can look at them.
    private const int SmallestSide = 320;
    private static readonly SKColor Paper = new(250, 249, 246);
    private static readonly SKColor Ink = new(40, 40, 44);

    /// <summary>Draws a sheet of pictures of one size.</summary>
    /// <param name="cells">The pictures, row by row; stay the caller's.</param>
    /// <param name="columns">Pictures side by side.</param>
    /// <param name="cellSide">The longer side of a drawn picture in pixels; null for its own, enlarged where that is small.</param>
    public static SKBitmap Draw(IReadOnlyList<SheetCell> cells, int columns, int? cellSide = null)
    {
        var first = cells[0].Picture;
        var longer = Math.Max(first.Width, first.Height);
        var scale = (cellSide ?? Math.Max(SmallestSide, longer)) / (float)longer;
        var (width, height) = (first.Width * scale, first.Height * scale);
        using var font = CaptionFont.Create(TextSize);
        var captions = cells.Select(cell => CaptionFont.Wrap(font, cell.Caption, width)).ToList();
        var rowHeight = height + Gap + (captions.Max(lines => lines.Count) * LineHeight) + Gap;
        columns = Math.Min(columns, cells.Count);
        var rows = (cells.Count + columns - 1) / columns;
        var sheet = new SKBitmap(new SKImageInfo(
            (int)(Gap + (columns * (width + Gap))), (int)(Gap + (rows * rowHeight)), SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(sheet);
        using var ink = new SKPaint { Color = Ink, IsAntialias = true };
        canvas.Clear(Paper);
        for (var k = 0; k < cells.Count; k++)
        {
            var (x, y) = (Gap + (k % columns * (width + Gap)), Gap + (k / columns * rowHeight));
            using var image = SKImage.FromBitmap(cells[k].Picture);
            canvas.DrawImage(image, SKRect.Create(x, y, width, height), new SKSamplingOptions(SKCubicResampler.Mitchell));
            for (var line = 0; line < captions[k].Count; line++)
                canvas.DrawText(captions[k][line], x + (width / 2), y + height + Gap + (line * LineHeight) + (TextSize / 2), SKTextAlign.Center, font, ink);
        }

        return sheet;
    }
}
