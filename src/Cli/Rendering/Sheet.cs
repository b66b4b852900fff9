using PromptToPrompt.Diffusion.Images;
using SkiaSharp;
using static PromptToPrompt.Cli.Rendering.SheetStyle;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>A picture with a caption.</summary>
/// <param name="Image">The picture.</param>
/// <param name="Caption">The caption.</param>
/// <param name="StandsOut">Whether to emphasize the caption.</param>
internal sealed record SheetCell(SKBitmap Image, string Caption, bool StandsOut = false);

/// <summary>Pictures in rows and columns, captioned.</summary>
internal static class Sheet
{
    // Small pictures are enlarged to this side.
    private const int MinSide = 320;

    // Photographs are too large for a sheet.
    private const int MaxSide = 512;

    /// <summary>The cell side for an input picture, which may be a photograph; null for the picture's own size.</summary>
    public static int? CellSide(Image image) => Math.Max(image.Width, image.Height) > MaxSide ? MaxSide : null;

    /// <summary>The picture, scaled down to the side if it is larger.</summary>
    public static Image Reduced(Image image, int? cellSide)
    {
        var scale = (cellSide ?? double.PositiveInfinity) / Math.Max(image.Width, image.Height);
        return scale >= 1 ? image : image.Resize(Math.Max(1, (int)Math.Round(image.Width * scale)), Math.Max(1, (int)Math.Round(image.Height * scale)));
    }

    /// <summary>Draws a sheet of pictures of one shape.</summary>
    /// <param name="cells">The pictures, row by row; null for an empty cell, but not the first. The caller keeps ownership.</param>
    /// <param name="columns">Pictures side by side.</param>
    /// <param name="cellSide">The longer side of a drawn picture in pixels; null for its own, enlarged if small.</param>
    /// <param name="note">Note at the bottom.</param>
    public static SKBitmap Draw(IReadOnlyList<SheetCell?> cells, int columns, int? cellSide = null, string note = "")
    {
        var first = cells[0]!.Image;
        var longer = Math.Max(first.Width, first.Height);
        var scale = (cellSide ?? Math.Max(MinSide, longer)) / (float)longer;
        var (width, height) = (first.Width * scale, first.Height * scale);
        columns = Math.Min(columns, cells.Count);
        var rows = cells.Chunk(columns).Select(row => row.Select(cell => (Cell: cell, Caption: CaptionLine.Wrap(cell?.Caption ?? "", width))).ToList()).ToList();
        var captionHeights = rows.ConvertAll(row => (row.Max(cell => cell.Caption.Count) * LineHeight) + (2 * Gap));
        var notes = CaptionLine.Wrap(note, columns * width);
        var sheet = Blank(
            Gap + (columns * (width + Gap)), Gap + (rows.Count * height) + captionHeights.Sum() + (notes.Count > 0 ? (notes.Count * LineHeight) + Gap : 0));
        using var canvas = new SKCanvas(sheet);
        float y = Gap;
        for (var r = 0; r < rows.Count; y += height + captionHeights[r], r++)
        {
            for (var c = 0; c < rows[r].Count; c++)
            {
                var (cell, caption) = rows[r][c];
                var x = Gap + (c * (width + Gap));
                if (cell is null)
                    continue;
                canvas.DrawSmooth(cell.Image, SKRect.Create(x, y, width, height));
                canvas.DrawLines(caption, x + (width / 2), y + height + Gap, SKTextAlign.Center, cell.StandsOut ? Accent : Ink);
            }
        }

        canvas.DrawLines(notes, Gap, y + (LineHeight / 2), SKTextAlign.Left, Pencil);
        return sheet;
    }
}
