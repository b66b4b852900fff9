using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.TextualInversion;
using PromptToPrompt.Evaluation.Concepts;
using SkiaSharp;
using Spectre.Console;

namespace PromptToPrompt.Lab.Benches;

/// <summary>
/// <c>p2p-lab bench concepts</c>: learns words from drawings, and measures how often the judge recognizes them in generated images.
/// </summary>
internal static class ConceptsBench
{
    private const int SampleSide = 128;

    public static Command Create(CancellationToken cancellationToken)
    {
        var steps = Parsed.Number("--steps", "Training steps per word", 300);
        var seeds = Parsed.Number("--seeds", "Images per prompt", 16);
        var command = new Command("concepts", "Measure words learned from a few drawings (textual inversion)") { steps, seeds };
        var run = new BenchRun(command, "concepts.json", "concepts.png");
        command.SetAction(parse =>
        {
            var (count, images) = (parse.GetValue(steps), parse.GetValue(seeds));
            InvalidInputException.Require(count >= 1 && images >= 1, "--steps and --seeds must be above 0.");
            return run.Execute(parse, tools =>
            {
                var measured = LongRun.Show(tools.Quiet, display => DrawnConcept.All.Select(concept => Measure(tools, concept, count, images, display, cancellationToken)).ToList());
                return new(ToJson(count, images, measured), () => Samples(measured), () => Print(measured));
            });
        });
        return command;
    }

    private static (IReadOnlyList<ExampleImage> Given, ConceptMeasurement Found) Measure(
        BenchTools tools, DrawnConcept concept, int steps, int seeds, IProgress<LongProgress> display, CancellationToken cancellationToken)
    {
        using var trial = new ConceptTrial(tools.Model, tools.Judge, concept, steps);
        foreach (var progress in trial.Learn(cancellationToken))
            display.Report(new($"learning {concept.Word}", progress.Step, progress.Steps, "steps"));
        return (trial.Given, trial.Measure(seeds, cancellationToken));
    }

    private static JsonObject ToJson(int steps, int seeds, IEnumerable<(IReadOnlyList<ExampleImage> Given, ConceptMeasurement Found)> measured) => new()
    {
        ["command"] = "bench concepts",
        ["steps"] = steps,
        ["seeds"] = seeds,
        ["concepts"] = new JsonArray([.. measured.Select(m => new JsonObject
        {
            ["word"] = m.Found.Concept.Word,
            ["pictures"] = m.Given.Count,
            ["heldOutLoss"] = new JsonObject { ["initial"] = Figures.Rounded(m.Found.InitialLoss), ["learned"] = Figures.Rounded(m.Found.LearnedLoss) },
            ["seen"] = new JsonArray([.. m.Found.Wordings.Select(wording => new JsonObject
            {
                ["wording"] = wording.Wording,
                ["subject"] = Figures.Rounded(wording.Score.Subject),
                ["color"] = Figures.Rounded(wording.Score.Color),
                ["setting"] = Figures.Rounded(wording.Score.Setting),
            })]),
        })]),
    };

    private static SKBitmap Samples(IReadOnlyList<(IReadOnlyList<ExampleImage> Given, ConceptMeasurement Found)> measured)
    {
        var cells = measured.SelectMany(m =>
            m.Given.Select(given => new SheetCell(given.Image.ToBitmap(), "given"))
                .Concat(m.Found.Wordings.Take(2).SelectMany(wording => wording.Samples.Select(sample =>
                    new SheetCell(sample.Image.ToBitmap(), sample.Prompt, StandsOut: wording.Wording == m.Found.Concept.Word))))).ToList();
        var sheet = Sheet.Draw(cells, measured[0].Given.Count, SampleSide);
        cells.ForEach(cell => cell.Image.Dispose());
        return sheet;
    }

    private static void Print(IEnumerable<(IReadOnlyList<ExampleImage> Given, ConceptMeasurement Found)> measured)
    {
        var table = new Table().AddColumns("", "subject", "color", "setting", "loss");
        foreach (var (_, found) in measured)
        {
            foreach (var (wording, loss) in found.Wordings.Zip<WordingMeasurement, double?>([found.InitialLoss, found.LearnedLoss, null]))
            {
                table.AddRow(
                    [
                        Markup.Escape(wording.Wording),
                        .. new[] { wording.Score.Subject, wording.Score.Color, wording.Score.Setting }.Select(share => share.ToString("P0", CultureInfo.InvariantCulture)),
                        Figures.Shown(loss, "F4"),
                    ]);
            }
        }

        AnsiConsole.Write(table);
    }
}
