using System.CommandLine;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Evaluation.Quality;
using SkiaSharp;
using Spectre.Console;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench weights</c>: measures the effect of a word's weight, and its useful range.</summary>
internal static class WeightsBench
{
    private const int SampleSide = 128;

    public static Command Create(CancellationToken cancellationToken)
    {
        var standard = new WeightSweepOptions();
        var seeds = Parsed.Number("--seeds", "Images per word", standard.Seeds);
        var command = new Command("weights", "Measure re-weighting over a range of weights") { seeds };
        var sampling = new BenchSampling(command, standard.Steps, standard.Guidance, "the first noise");
        var run = new BenchRun(command, "weights.json", "weights.png");
        command.SetAction(parse =>
        {
            var (steps, guidance, seed) = sampling.Of(parse);
            var options = new WeightSweepOptions { Seeds = parse.GetValue(seeds), Steps = steps, Guidance = guidance, Seed = (ulong)seed };
            if (options.Seeds < 1)
                throw new InvalidInputException("--seeds must be above 0.");
            return run.Execute(parse, tools =>
            {
                var measured = LongRun.Show(tools.Quiet, display => Measure(tools, options, display, cancellationToken));
                var report = new WeightsReport(options, measured, WeightSummary.Of(measured));
                return new(report.ToJson(), () => Samples(measured, options.Seed), report.Print);
            });
        });
        return command;
    }

    private static List<WeightMeasurement> Measure(BenchTools tools, WeightSweepOptions options, IProgress<LongProgress> display, CancellationToken cancellationToken)
    {
        var total = WeightSweep.Words.Count * options.Seeds;
        var all = new List<WeightMeasurement>();
        display.Report(new("re-weighted words", 0, total, "runs"));
        foreach (var run in WeightSweep.Measure(tools.Model, tools.Judge, options, cancellationToken))
        {
            all.AddRange(run);
            display.Report(new("re-weighted words", all.Count / WeightSweep.Weights.Count, total, "runs"));
        }

        return all;
    }

    private static SKBitmap Samples(List<WeightMeasurement> measured, ulong seed)
    {
        var cells = measured.Where(m => m.Seed == seed).Select(m => new SheetCell(m.Image.ToBitmap(), $"{m.Word.Word} {Figures.Shown(m.Weight, "0.#")}")).ToList();
        var sheet = Sheet.Draw(cells, WeightSweep.Weights.Count, SampleSide);
        cells.ForEach(cell => cell.Image.Dispose());
        return sheet;
    }
}
