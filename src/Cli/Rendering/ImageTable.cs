using SkiaSharp;
using static PromptToPrompt.Cli.Rendering.SheetStyle;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>A row of a table: one picture for each column.</summary>
/// <param name="Label">Label of the row.</param>
/// <param name="StandsOut">Whether to emphasize the label.</param>
/// <param name="Images">The pictures; null for a place without one.</param>
internal sealed record ImageRow(string Label, bool StandsOut, IReadOnlyList<SKBitmap?> Images);

/// <summary>Rows that belong together, under a title.</summary>
internal sealed record ImageSection(string Title, IReadOnlyList<ImageRow> Rows);

/// <summary>A table of pictures with row labels at the left and column titles above each section.</summary>
internal static class ImageTable
{
    private const int Spacing = Gap / 2;

    /// <summary>Draws a table of pictures of one shape.</summary>
    /// <param name="columns">Titles of the columns.</param>
    /// <param name="sections">The rows, with at least one picture. The caller keeps ownership of the pictures.</param>
    /// <param name="side">The longer side of a drawn picture in pixels.</param>
    /// <param name="note">Note at the bottom.</param>
    public static SKBitmap Draw(IReadOnlyList<string> columns, IReadOnlyList<ImageSection> sections, int side, string note = "")
    {
        var rows = sections.SelectMany(section => section.Rows).ToList();
        var first = rows.SelectMany(row => row.Images).OfType<SKBitmap>().First();
        var scale = side / (float)Math.Max(first.Width, first.Height);
        var (width, height) = (first.Width * scale, first.Height * scale);
        var labels = rows.ToDictionary(row => row, row => CaptionLine.Wrap(row.Label, side));
        var left = Gap + labels.Values.SelectMany(lines => lines).Max(line => line.Width) + Gap;
        var full = left + (columns.Count * (width + Spacing)) + Spacing;
        var titles = sections.Select(section => CaptionLine.Wrap(section.Title, full - (2 * Gap))).ToList();
        var notes = CaptionLine.Wrap(note, full - (2 * Gap));
        var sheet = Blank(
            full,
            Gap + titles.Sum(title => ((title.Count + 1) * LineHeight) + (2 * Gap)) + (rows.Count * (height + Spacing)) + (notes.Count * LineHeight) + Gap);
        using var canvas = new SKCanvas(sheet);
        float y = Gap;
        foreach (var (section, title) in sections.Zip(titles))
        {
            canvas.DrawLines(title, Gap, y + (LineHeight / 2), SKTextAlign.Left, Ink);
            y += (title.Count * LineHeight) + Spacing;
            for (var c = 0; c < columns.Count; c++)
                canvas.DrawLines([CaptionLine.Of(columns[c])], left + (c * (width + Spacing)) + (width / 2), y + (LineHeight / 2), SKTextAlign.Center, Pencil);
            y += LineHeight + Spacing;
            foreach (var row in section.Rows)
            {
                var lines = labels[row];
                var middle = y + (height / 2) - ((lines.Count - 1) * LineHeight / 2);
                canvas.DrawLines(lines, left - Gap, middle, SKTextAlign.Right, row.StandsOut ? Accent : Ink);
                for (var c = 0; c < row.Images.Count; c++)
                {
                    var x = left + (c * (width + Spacing));
                    if (row.Images[c] is { } image)
                        canvas.DrawSmooth(image, SKRect.Create(x, y, width, height));
                    else
                        canvas.DrawLines([CaptionLine.Of("not made")], x + (width / 2), y + (height / 2), SKTextAlign.Center, Pencil);
                }

                y += height + Spacing;
            }

            y += Gap;
        }

        canvas.DrawLines(notes, Gap, y + (LineHeight / 2), SKTextAlign.Left, Pencil);
        return sheet;
    }
}
