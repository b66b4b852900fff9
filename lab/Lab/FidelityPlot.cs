using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Storybook.Training;
using ScottPlot;
using SkiaSharp;

namespace PromptToPrompt.Lab;

/// <summary>The fidelity of an autoencoder on held-out drawings in the course of its training.</summary>
internal static class FidelityPlot
{
    private const int Width = 900;
    private const int Height = 480;

    /// <summary>Draws PSNR on the left axis and sharpness on the right one.</summary>
    public static SKBitmap Draw(IReadOnlyList<HeldOutLog> log)
    {
        using var plot = SheetPlot.Create();
        double[] images = [.. log.Select(line => (double)line.Images)];
        Add("PSNR", line => line.Psnr, Colors.OrangeRed, plot.Axes.Left);
        Add("gradients at edges", line => line.Edges, Colors.SteelBlue, plot.Axes.Right);
        Add("all gradients", line => line.Gradients, Colors.Gray, plot.Axes.Right);
        plot.Title("Autoencoder on held-out drawings");
        plot.XLabel("drawings of the training");
        plot.Axes.Left.Label.Text = "PSNR in dB";
        plot.Axes.Right.Label.Text = "sharpness: 1 is that of the drawing";
        plot.ShowLegend(Alignment.LowerRight);
        return SheetPlot.Draw(plot, Width, Height);

        void Add(string name, Func<ReconstructionFidelity, double> measure, Color color, IYAxis axis)
        {
            var line = plot.Add.Scatter(images, log.Select(one => measure(one.Fidelity)).ToArray(), color);
            line.LegendText = name;
            line.LineWidth = 2;
            line.Axes.YAxis = axis;
        }
    }
}
