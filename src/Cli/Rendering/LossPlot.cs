using System.Globalization;
using ScottPlot;
using SkiaSharp;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>The losses of an optimization, timestep by timestep.</summary>
internal static class LossPlot
{
    private const int Width = 900;
    private const int Height = 480;

    /// <summary>Draws the first and the last loss of each timestep on a logarithmic scale.</summary>
    /// <param name="losses">Loss before each inner iteration, of each timestep.</param>
    public static SKBitmap Draw(IReadOnlyList<IReadOnlyList<double>> losses)
    {
        using var plot = SheetPlot.Create();
        Add("before the first iteration", first: true, Colors.Gray);
        Add("before the last iteration", first: false, Colors.OrangeRed);
        plot.Title("Null-text optimization: distance from the pivot");
        plot.XLabel("timestep, from noise to picture");
        plot.YLabel("mean squared error");
        plot.Axes.Left.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic { LabelFormatter = power => Math.Pow(10, power).ToString("G2", CultureInfo.InvariantCulture) };
        plot.ShowLegend(Alignment.UpperRight);
        return SheetPlot.Draw(plot, Width, Height);

        void Add(string name, bool first, Color color)
        {
            var points = losses.Select((l, step) => (X: step + 1.0, Loss: l.Count == 0 ? 0 : first ? l[0] : l[^1])).Where(p => p.Loss > 0).ToList();
            var line = plot.Add.Scatter(points.Select(p => p.X).ToArray(), points.Select(p => Math.Log10(p.Loss)).ToArray(), color);
            line.LegendText = name;
            line.LineWidth = 2;
        }
    }
}
