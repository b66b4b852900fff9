using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Evaluation.Inversions;
using Spectre.Console;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench refinement</c>: how near DDIM inversion comes to the image if its steps are refined in several ways.</summary>
internal static class RefinementBench
{
    private static readonly int[] Steps = [5, 10, 20];
    private static readonly int[] Refinements = [0, 1, 2, 3, 5, 8];

    // Gradients take minutes. SPDInv takes 25 iterations a step.
    private static readonly int[] GradientSteps = [10];
    private static readonly int[] GradientRefinements = [1, 3, 8, 25];

    public static Command Create(CancellationToken cancellationToken)
    {
        var images = Parsed.Number("--pictures", "Number of drawings", 8);
        var seed = Parsed.Number("--seed", "Seed of the drawings", 1);
        var markdown = new Option<bool>("--markdown") { Description = "Write the table as Markdown" };
        var gradients = new Option<bool>("--gradients") { Description = "Compare with gradient descent on the latents instead, which takes minutes" };
        var command = new Command("refinement", "Compare ways to refine the steps of DDIM inversion (--fixed-point)") { images, seed, gradients, markdown };
        var model = new ModelOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            InvalidInputException.Require(parse.GetValue(images) > 0, "--pictures must be above 0.");
            using var loaded = model.Load(parse);
            var (runs, ways, counts) = parse.GetValue(gradients) ? (GradientSteps, Refinement.GradientNames, GradientRefinements) : (Steps, Refinement.Names, Refinements);
            var cells = (from steps in runs from way in ways from count in counts select (steps, way, count)).ToList();
            var measured = LongRun.Show(report.Quiet(parse), display => cells.Index().Select(cell =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                display.Report(new("inverting", cell.Index, cells.Count, "figures"));
                return Refinement.Measure(loaded, cell.Item.way, cell.Item.steps, cell.Item.count, parse.GetValue(images), parse.GetValue(seed));
            }).ToList());
            if (report.Json(parse))
            {
                Console.Out.WriteLine(Json.Line(new JsonObject
                {
                    ["command"] = "bench refinement",
                    ["figures"] = new JsonArray([.. measured.Select(each => new JsonObject
                    {
                        ["way"] = each.Way, ["steps"] = each.Steps, ["refinements"] = each.Refinements, ["error"] = Figures.Rounded(each.Error),
                    })]),
                }));
                return ExitCode.Done;
            }

            var table = new Table { Border = parse.GetValue(markdown) ? TableBorder.Markdown : TableBorder.Square }.AddColumns(["steps", "refinement", .. counts.Select(count => $"{count}")]);
            foreach (var row in measured.GroupBy(each => (each.Steps, each.Way)))
                table.AddRow([$"{row.Key.Steps}", row.Key.Way, .. row.Select(each => Figures.Shown(100 * each.Error, "F2"))]);
            AnsiConsole.Write(table);
            return ExitCode.Done;
        });
        return command;
    }
}
