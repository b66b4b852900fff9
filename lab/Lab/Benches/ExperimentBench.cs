using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Evaluation.Experiments;
using PromptToPrompt.Evaluation.PieBench;
using SkiaSharp;
using Spectre.Console;

namespace PromptToPrompt.Lab.Benches;

/// <summary>Benchmarks that make the same edits of drawings in several ways and print a table for each group of edits.</summary>
internal static class ExperimentBench
{
    private const int RowsOnSheet = 6;
    private const int MostColumns = 6;
    private const int SheetSide = 128;
    private const int WidestTable = 200;

    // Each edit has noise of its own, which no image of a small seed has.
    private const ulong OwnSeed = 1UL << 40;

    private static readonly double[] OwnNoise = [0, 0.1, 0.25, 0.5, 0.75, 1];

    /// <summary><c>p2p-lab bench alignment</c>: naive replacement of attention maps, position for position, against alignment.</summary>
    public static Command CreateAlignment(CancellationToken cancellationToken) => Create(
        "alignment", "Compare the alignments of edits with the replacement of attention maps position for position",
        [
            new("naive", Aligned(AlignmentKind.Naive)), new("refine", Aligned(AlignmentKind.Refine)), new("auto", Aligned(AlignmentKind.Auto)), new("no control", Free),
        ],
        Group, cancellationToken);

    /// <summary><c>p2p-lab bench noise</c>: edits that start from the source's noise, from their own, or from a mixture.</summary>
    public static Command CreateNoise(CancellationToken cancellationToken) => Create(
        "noise", "Compare edits from the source's noise with edits from a mixture and from their own noise",
        [
            .. from request in new (string Name, Func<DrawnEdit, EditRequest> Make)[] { ("control", Controlled), ("no control", Free) }
               from share in OwnNoise
               select new Variation(string.Create(CultureInfo.InvariantCulture, $"{request.Name}, {share}"), edit => request.Make(edit) with { EditSeed = OwnSeed + (ulong)edit.Number, EditNoise = share }),
        ],
        (_, _) => "all edits", cancellationToken);

    /// <summary><c>p2p-lab bench methods</c>: what each inversion with each editing method keeps and changes, and its cost.</summary>
    public static Command CreateMethods(CancellationToken cancellationToken) => Create(
        "methods", "Compare all methods of inversion and editing by what they keep and change, and by their cost",
        [.. PieBenchMethod.All.Select(method => new Variation(method.Name, edit => method.Request(DrawnPieBench.Item(edit))) {
            Inversion = method.Inversion,
            Guidance = method.Guidance,
            SourcePrompt = edit => method.SourcePrompt(DrawnPieBench.Item(edit)),
        })],
        (_, _) => "all edits", cancellationToken, ("methods-plot.png", MethodPlot.Draw));

    private static EditRequest Controlled(DrawnEdit edit) => new() { Prompts = [edit.TargetPrompt] };

    private static Func<DrawnEdit, EditRequest> Aligned(AlignmentKind kind) => edit => Controlled(edit) with { Alignment = kind };

    private static EditRequest Free(DrawnEdit edit) => Controlled(edit) with { CrossSteps = new(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };

    // Where no word moves, all alignments that know the source's words agree.
    private static string Group(ClipTokenizer tokenizer, DrawnEdit edit)
    {
        var (source, target) = (tokenizer.Tokenize(edit.SourcePrompt), tokenizer.Tokenize(edit.TargetPrompt));
        var last = Math.Min(source.Words.Count, target.Words.Count);
        var moves = source.Words.Take(last).Zip(target.Words).Any(pair => pair.First.Text != pair.Second.Text && target.Words.Any(word => word.Text == pair.First.Text));
        return moves ? "edits in which words move" : "edits in which no word moves";
    }

    private static Command Create(
        string name, string description, IReadOnlyList<Variation> variations, Func<ClipTokenizer, DrawnEdit, string> group, CancellationToken cancellationToken,
        (string File, Func<IReadOnlyList<OutcomeSummary>, SKBitmap> Draw)? plot = null)
    {
        var pairs = Parsed.Number("--pairs", "Number of edits, evenly spread over the kinds", 120);
        var markdown = new Option<bool>("--markdown") { Description = "Write the tables as Markdown" };
        var command = new Command(name, description) { pairs, markdown };
        var sampling = new BenchSampling(command, 20, 5, "the drawings");
        var run = new BenchRun(command, $"{name}.json", $"{name}.png");
        command.SetAction(parse =>
        {
            InvalidInputException.Require(parse.GetValue(pairs) > 0, "--pairs must be above 0.");
            var (steps, guidance, seed) = sampling.Of(parse);
            return run.Execute(parse, tools =>
            {
                var experiment = new Experiment(tools.Model, tools.Judge, variations, new() { Steps = steps, Guidance = guidance, Seed = (ulong)seed });
                var made = LongRun.Show(tools.Quiet, display => Collect(experiment, parse.GetValue(pairs), display, cancellationToken));
                var groups = made.GroupBy(each => group(tools.Model.Tokenizer, each.Edit)).OrderBy(each => each.Key, StringComparer.Ordinal)
                    .Select(each => (Name: each.Key, Count: each.Count(), Rows: OutcomeSummary.Of(each.SelectMany(edit => edit.Outcomes)))).ToList();
                var record = new JsonObject
                {
                    ["command"] = $"bench {name}",
                    ["edits"] = made.Count,
                    ["steps"] = steps,
                    ["guidance"] = guidance,
                    ["seed"] = seed,
                    ["groups"] = new JsonArray([.. groups.Select(each => new JsonObject { ["group"] = each.Name, ["edits"] = each.Count, ["rows"] = new JsonArray([.. each.Rows.Select(Row)]) })]),
                };
                return new(record, () => Sample(made), () => groups.ForEach(each => Print(each.Name, each.Count, each.Rows, parse.GetValue(markdown))))
                {
                    Plot = plot is { } wanted ? (wanted.File, () => wanted.Draw(groups[0].Rows)) : null,
                };
            });
        });
        return command;
    }

    private static List<(DrawnEdit Edit, IReadOnlyList<Outcome> Outcomes)> Collect(Experiment experiment, int count, IProgress<LongProgress> display, CancellationToken cancellationToken)
    {
        var made = new List<(DrawnEdit Edit, IReadOnlyList<Outcome> Outcomes)>();
        display.Report(new("drawings", 0, count, "drawings"));
        foreach (var (edit, outcomes) in experiment.Run(count, cancellationToken))
        {
            made.Add((edit, outcomes));
            display.Report(new("drawings", made.Count, count, "drawings"));
        }

        return made;
    }

    private static JsonObject Row(OutcomeSummary row)
    {
        return new() { ["variation"] = row.Variation, ["background"] = Number(row.Background), ["structure"] = Number(row.Structure), ["shown"] = Number(row.Shown), ["subject"] = Number(row.Subject), ["rows"] = Number(row.Rows) };

        static JsonObject? Number(Mean? mean) => mean is not { } known ? null
            : new() { ["mean"] = Figures.Rounded(known.Value), ["standardError"] = Figures.Rounded(known.Error), ["edits"] = known.Count };
    }

    private static void Print(string group, int count, IReadOnlyList<OutcomeSummary> rows, bool markdown)
    {
        Console.Out.WriteLine($"\n{group}: {count}");
        var table = new Table { Border = markdown ? TableBorder.Markdown : TableBorder.Square }.AddColumn("", column => column.NoWrap()).AddColumns("background: dB", "structure", "shown: %", "subject: %", "rows");
        foreach (var row in rows)
            table.AddRow(row.Variation, Shown(row.Background, 1, "F1"), Shown(row.Structure, 1, "F2"), Shown(row.Shown, 100, "F0"), Shown(row.Subject, 100, "F0"), Figures.Shown(row.Rows?.Value, "F0"));
        // A cell that is wrapped is no Markdown.
        AnsiConsole.Profile.Width = markdown ? Math.Max(AnsiConsole.Profile.Width, WidestTable) : AnsiConsole.Profile.Width;
        AnsiConsole.Write(table);

        static string Shown(Mean? mean, double factor, string format) =>
            mean is { } known ? $"{Figures.Shown(known.Value * factor, format)} ± {Figures.Shown(known.Error * factor, format)}" : "-";
    }

    private static SKBitmap Sample(List<(DrawnEdit Edit, IReadOnlyList<Outcome> Outcomes)> made)
    {
        var cells = new List<SheetCell?>();
        var columns = Math.Min(made[0].Outcomes.Count, MostColumns);
        foreach (var (edit, outcomes) in made.Take(RowsOnSheet * columns / made[0].Outcomes.Count))
        {
            foreach (var (row, part) in outcomes.Chunk(columns).Index())
            {
                cells.Add(row > 0 ? null : new(edit.Drawing.ToBitmap(), edit.SourcePrompt));
                cells.AddRange(part.Select(outcome => new SheetCell(outcome.Image.ToBitmap(), outcome == outcomes[0] ? $"{outcome.Variation}: {edit.TargetPrompt}" : outcome.Variation)));
                cells.AddRange(Enumerable.Repeat<SheetCell?>(null, columns - part.Length));
            }
        }

        var sheet = Sheet.Draw(cells, columns + 1, SheetSide);
        cells.ForEach(cell => cell?.Image.Dispose());
        return sheet;
    }
}
