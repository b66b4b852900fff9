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

    private static readonly double[] Ticks = [10, 20, 30, 50, 70, 100, 200, 300, 500, 700, 1000, 2000];

    /// <summary>Draws a point for each method: the background against the rows of the U-Net, which stand on a logarithmic axis.</summary>
    public static SKBitmap Draw(IReadOnlyList<OutcomeSummary> methods)
    {
        using var plot = SheetPlot.Create();
        foreach (var method in methods)
        {
            if (method is not { Background: { } background, Rows: { } rows })
                continue;
            var x = Math.Log10(rows.Value);
            // The more often an edit shows what was asked for, the greener.
            var point = plot.Add.Marker(x, background.Value, MarkerShape.FilledCircle, Marker, Colors.OrangeRed.MixedWith(Colors.SeaGreen, method.Shown?.Value ?? 0));
            point.MarkerStyle.LineWidth = 0;
            plot.Add.ErrorBar([x], [background.Value], [background.Error]).Color = Colors.Gray;
            var label = plot.Add.Text(method.Variation, x, background.Value);
            label.OffsetX = Marker;
            label.LabelFontColor = Colors.Black;
        }

        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericManual([.. Ticks.Select(rows => Math.Log10(rows))], [.. Ticks.Select(rows => Figures.Shown(rows, "F0"))]);
        plot.XLabel("rows of the U-Net: inversion, source and one edit");
        plot.YLabel("background kept: PSNR in dB");
        plot.Title("Methods on drawn pictures; green: the edit shows what was asked for");
        // Room for the labels on the right.
        plot.Axes.Margins(0.15, 0.1);
        return SheetPlot.Draw(plot, Width, Height);
    }
}
