using PromptToPrompt.Studio.Grids;
using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>Draws the table of a grid of edits, for the command and the studio.</summary>
internal static class GridSheet
{
    // The longer side of a picture.
    private const int Side = 320;

    /// <summary>Draws a table. A picture that is not made leaves its place empty.</summary>
    public static SKBitmap Draw(PictureTable table)
    {
        var rows = new List<ImageRow>();
        try
        {
            foreach (var (label, pictures) in table.Rows)
                rows.Add(new ImageRow(label, label == GridLayout.Sources, [.. pictures.Select(picture => picture?.ToBitmap())]));
            return ImageTable.Draw(table.Columns, [new ImageSection(table.Title, rows)], Side);
        }
        finally
        {
            foreach (var bitmap in rows.SelectMany(row => row.Images))
                bitmap?.Dispose();
        }
    }
}
