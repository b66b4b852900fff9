using ScottPlot;
using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>The look of plots: the font and paper of the sheets.</summary>
internal static class SheetPlot
{
    static SheetPlot() => Fonts.FontResolvers.Insert(0, new OwnFont());

    /// <summary>An empty plot; the caller disposes it.</summary>
    public static Plot Create()
    {
        var plot = new Plot();
        plot.FigureBackground.Color = new Color(SheetStyle.Paper.Red, SheetStyle.Paper.Green, SheetStyle.Paper.Blue);
        return plot;
    }

    /// <summary>Draws a plot.</summary>
    public static SKBitmap Draw(Plot plot, int width, int height)
    {
        using var image = SKImage.FromEncodedData(plot.GetImage(width, height).GetImageBytes());
        return SKBitmap.FromImage(image);
    }

    private sealed class OwnFont : IFontResolver
    {
        public SKTypeface CreateTypeface(string fontName, bool bold, bool italic) => CaptionFonts.OfSystem.Own.Typeface;

        public SKTypeface CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) => CaptionFonts.OfSystem.Own.Typeface;
    }
}
