using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Evaluation.Experiments;
using ScottPlot;
using SkiaSharp;

namespace PromptToPrompt.Lab.Benches;

/// <summary>The fidelity of methods, by their cost.</summary>
internal static class MethodPlot
{
    private const int Width = 1000;
    private const int Height = 620;
    private const float Marker = 10;

    // As parts of the plot's width and height.
    private const double CharacterWidth = 0.0085, LineHeight = 0.03;

    private static readonly double[] Ticks = [10, 20, 30, 50, 70, 100, 200, 300, 500, 700, 1000, 2000];

    /// <summary>Draws a point for each method: the background against the rows of the U-Net, which stand on a logarithmic axis.</summary>
    public static SKBitmap Draw(IReadOnlyList<OutcomeSummary> methods)
    {
        using var plot = SheetPlot.Create();
        var shown = methods.Where(method => method is { Background: not null, Rows: not null }).OrderByDescending(method => method.Background!.Value.Value).ToList();
        if (shown.Count == 0)
            return SheetPlot.Draw(plot, Width, Height);
        var (left, right) = (shown.Min(X), shown.Max(X));
        var (low, high) = (shown.Min(method => method.Background!.Value.Value - method.Background.Value.Error), shown.Max(method => method.Background!.Value.Value + method.Background.Value.Error));
        // Room for the labels on the right.
        var (across, up) = (Math.Max(right - left, 0.1) * 1.5, Math.Max(high - low, 1) * 1.1);
        plot.Axes.SetLimits(left - (across * 0.05), left + (across * 0.95), low - (up * 0.05), low + (up * 0.95));
        var labels = new List<(double X, double Y, double Width)>();
        foreach (var method in shown)
        {
            var (background, x) = (method.Background!.Value, X(method));
            // The more often an edit shows what was asked for, the greener.
            var point = plot.Add.Marker(x, background.Value, MarkerShape.FilledCircle, Marker, Colors.OrangeRed.MixedWith(Colors.SeaGreen, method.Shown?.Value ?? 0));
            point.MarkerStyle.LineWidth = 0;
            plot.Add.ErrorBar([x], [background.Value], [background.Error]).Color = Colors.Gray;
            var (width, height) = (method.Variation.Length * across * CharacterWidth, up * LineHeight);
            // The nearest place above or below that is free.
            var y = Enumerable.Range(0, methods.Count * 2).Select(place => background.Value + ((place % 2 == 0 ? -1 : 1) * ((place + 1) / 2) * height))
                .First(place => labels.TrueForAll(other => Math.Abs(other.Y - place) >= height * 0.99 || other.X + other.Width < x || x + width < other.X));
            labels.Add((x, y, width));
            var label = plot.Add.Text(method.Variation, x, y);
            label.OffsetX = Marker;
            label.OffsetY = -Marker;
            label.LabelFontColor = Colors.Black;
        }

        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericManual([.. Ticks.Select(rows => Math.Log10(rows))], [.. Ticks.Select(rows => Figures.Shown(rows, "F0"))]);
        plot.XLabel("rows of the U-Net: inversion, source and one edit");
        plot.YLabel("background kept: PSNR in dB");
        plot.Title("Methods on drawn pictures; green: the edit shows what was asked for");
        return SheetPlot.Draw(plot, Width, Height);
    }

    private static double X(OutcomeSummary method) => Math.Log10(method.Rows!.Value.Value);
}
