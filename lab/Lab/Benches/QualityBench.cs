using System.CommandLine;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Evaluation.Quality;
using SkiaSharp;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench quality</c>: measures what edits keep and change on a model of the drawn world.</summary>
internal static class QualityBench
{
    private const int SamplesOfEachKind = 2;
    private const int SampleSide = 192;

    public static Command Create(CancellationToken cancellationToken)
    {
        var standard = new EditQualityOptions();
        var pairs = Parsed.Number("--pairs", "Pairs of prompts, evenly spread over the kinds of edit", standard.Pairs);
        var command = new Command("quality", "Measure edits of a model that was trained by \"p2p-lab train\"") { pairs };
        var sampling = new BenchSampling(command, standard.Steps, standard.Guidance, "pairs, noise and drawn pictures");
        var run = new BenchRun(command, "quality.json", "samples.png");
        command.SetAction(parse =>
        {
            var (steps, guidance, seed) = sampling.Of(parse);
            var options = standard with { Pairs = parse.GetValue(pairs), Steps = steps, Guidance = guidance, Seed = seed };
            if (options.Pairs < 1)
                throw new InvalidInputException("--pairs must be above 0.");
            return run.Execute(parse, tools =>
            {
                var colors = new ColorReader(options.Seed);
                var measured = LongRun.Show(tools.Quiet, display => Measure(new EditQuality(tools.Model, options, colors, tools.Judge), options.Pairs, display, cancellationToken));
                var drawn = DrawnFigures.Of(tools.Model, tools.Judge, colors, options.Seed);
                cancellationToken.ThrowIfCancellationRequested();
                var report = new QualityReport(options, KindSummary.Of(measured), Agreement.OfSources(measured), drawn);
                return new(report.ToJson(), () => Samples(measured), report.Print);
            });
        });
        return command;
    }

    private static List<EditMeasurement> Measure(EditQuality quality, int pairs, IProgress<LongProgress> display, CancellationToken cancellationToken)
    {
        var measured = new List<EditMeasurement>();
        display.Report(new("pairs of prompts", 0, pairs, "pairs"));
        foreach (var measurement in quality.Measure(cancellationToken))
        {
            measured.Add(measurement);
            display.Report(new("pairs of prompts", measured.Count, pairs, "pairs"));
        }

        return measured;
    }

    private static SKBitmap Samples(List<EditMeasurement> measured)
    {
        var cells = measured.GroupBy(m => m.Pair.Kind).OrderBy(group => group.Key).SelectMany(group => group.Take(SamplesOfEachKind)).SelectMany(m => new SheetCell[]
        {
            new(m.Source.ToBitmap(), m.Pair.SourcePrompt),
            new(m.Controlled.Image.ToBitmap(), m.Pair.Word is { } word ? $"more {word}" : m.Pair.TargetPrompt),
            new((m.Free?.Image ?? m.Source).ToBitmap(), "without attention control"),
        }).ToList();
        var sheet = Sheet.Draw(cells, columns: 6, SampleSide);
        cells.ForEach(cell => cell.Image.Dispose());
        return sheet;
    }
}
