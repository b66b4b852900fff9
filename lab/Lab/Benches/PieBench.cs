using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.PieBench;
using SkiaSharp;
using Spectre.Console;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench pie</c>: edits the images of PIE-Bench with each method and prints the published table.</summary>
internal static class PieBench
{
    private const string Drawn = "drawn", Data = "data";
    private const int ImagesOnSheet = 12;
    private const int SheetSide = 160;

    public static Command Create(CancellationToken cancellationToken)
    {
        var data = new Option<string>("--data")
        {
            Description = $"Folder of PIE-Bench, with mapping_file.json or with the Parquet files of its copy on the Hub; or \"{Drawn}\" for drawings with exact masks in the same layout",
            HelpName = $"dir|{Drawn}",
            DefaultValueFactory = _ => Drawn,
        };
        var images = Parsed.Number("--pictures", $"Images of \"{Drawn}\"", 60);
        var limit = Parsed.Number("--limit", "Only so many items of the data set; 0 for all", 0);
        var methods = new Option<string[]>("--methods") { Description = $"Methods: {string.Join(", ", PieBenchMethod.All.Select(method => method.Name))}", HelpName = "name", AllowMultipleArgumentsPerToken = true };
        var plans = new Option<bool>("--plans") { Description = "Only write the plans of the methods and print the commands that make their edits, here or on other machines. Then run again without it" };
        var lpips = MetricModels.CreateLpips();
        var output = OutputOptions.Folder("bench-pie", ". Run again with the same folder to resume");
        var markdown = new Option<bool>("--markdown") { Description = "Write the table as Markdown" };
        var command = new Command("pie", "Edit the images of PIE-Bench with each method and print the published table") { data, images, limit, methods, plans, lpips, output, markdown };
        var sampling = new BenchSampling(command, standardSteps: 50, standardGuidance: 7.5, "the drawings and the noise of methods that draw some");
        var measuring = new MetricModels("--clip-tokenizer").AddTo(command);
        var model = new ModelOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var (steps, guidance, seed) = sampling.Of(parse);
            InvalidInputException.Require(parse.GetValue(images) > 0, "--pictures must be above 0.");
            var chosen = PieBenchMethod.Named(parse.GetValue(methods)!);
            var folder = parse.GetValue(output)!;
            var quiet = report.Quiet(parse);
            var isDrawn = parse.GetValue(data) == Drawn;
            var isParquet = !isDrawn && PieBenchParquet.IsOne(parse.GetValue(data)!);
            var given = isDrawn || isParquet ? null : PieBenchData.Read(parse.GetValue(data)!);
            var onlyPlans = parse.GetValue(plans);
            using var clip = onlyPlans ? null : measuring.OpenClip(parse, withTexts: true);
            using var dino = onlyPlans ? null : measuring.OpenDino(parse);
            using var perceptual = !onlyPlans && parse.GetValue(lpips) is { } files ? MetricModels.OpenLpips(files) : null;
            using var loaded = model.Load(parse);
            model.Announce(parse, loaded.Device, quiet);
            Directory.CreateDirectory(folder);
            var manifest = new JsonObject
            {
                ["data"] = isDrawn ? $"{Drawn} {parse.GetValue(images)}" : Path.GetFullPath(parse.GetValue(data)!),
                ["model"] = loaded.Fingerprint,
                ["steps"] = steps,
                ["guidance"] = guidance,
                ["seed"] = seed,
            };
            if (parse.GetValue(limit) > 0)
                manifest["limit"] = parse.GetValue(limit);
            RunManifest.Claim(folder, manifest);
            var all = given ?? (isParquet ? PieBenchParquet.Extract(parse.GetValue(data)!, Path.Combine(folder, Data)) : DrawnPieBench.Write(Path.Combine(folder, Data), loaded.ImageSide, parse.GetValue(images), seed));
            var set = parse.GetValue(limit) is > 0 and var first ? all with { Items = [.. all.Items.Take(first)] } : all;
            var run = new PieBenchRun(set, chosen, folder);
            var unfit = run.WritePlans(new() { Steps = steps, Guidance = guidance, Seed = (ulong)seed }, loaded.Tokenizer);
            if (onlyPlans)
            {
                Array.ForEach([.. unfit], PrintProblem);
                foreach (var method in chosen)
                    Console.Out.WriteLine($"p2p batch {Quoted(run.PlanOf(method))} -o {Quoted(run.ShardsOf(method))} --model {Quoted(model.Name(parse))}");
                return ExitCode.Done;
            }

            var failures = LongRun.Show(quiet, display => run.Edit(loaded, done => display.Report(new("editing", done, run.Count, "edits")), cancellationToken));
            var measures = new PieBenchMeasures(
                clip is null ? null : (measuring.Clip(parse)!, clip), dino is null ? null : (measuring.Dino(parse)!, dino), perceptual is null ? null : (parse.GetValue(lpips)!, perceptual));
            var rows = PieBenchRow.Of(LongRun.Show(quiet, display => Measure(set, chosen, run, loaded, measures, display, cancellationToken)));
            PieBenchProblem[] problems = [.. failures, .. unfit];
            var record = Record(rows, problems);
            var written = new RunFolder(folder);
            written.Add("pie.json", Json.File(record));
            using (var sheet = Sample(set, chosen, run))
                written.Add("pie.png", sheet);
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(record));
            else if (!quiet)
                Print(rows, problems, parse.GetValue(markdown));
            return ExitCode.Done;
        });
        return command;
    }

    private static List<(string Method, int Type, IReadOnlyDictionary<string, double?> Measures)> Measure(
        PieBenchData data, IReadOnlyList<PieBenchMethod> methods, PieBenchRun run, StableDiffusionModel model, PieBenchMeasures measures, IProgress<LongProgress> display, CancellationToken cancellationToken)
    {
        var measured = new List<(string Method, int Type, IReadOnlyDictionary<string, double?> Measures)>();
        var done = 0;
        foreach (var item in data.Items)
        {
            var loaded = new Lazy<(Image Image, Image Mask)>(() => data.Load(item, model));
            foreach (var method in methods)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (File.Exists(run.PathOf(method, item)))
                    measured.Add((method.Name, item.Type, measures.Of(run.PathOf(method, item), item, () => loaded.Value)));
                display.Report(new("measuring", ++done, run.Count, "edits"));
            }
        }

        return measured;
    }

    private static JsonObject Record(IReadOnlyList<PieBenchRow> rows, IReadOnlyList<PieBenchProblem> problems) => new()
    {
        ["command"] = "bench pie",
        ["rows"] = new JsonArray([.. rows.Select(row => new JsonObject(
        [
            new("method", row.Method), new("type", row.Type is { } type ? PieBenchItem.Types[type] : null), new("edits", row.Count),
            .. row.Means.Select(mean => KeyValuePair.Create(mean.Key, (JsonNode?)mean.Value)),
        ]))]),
        ["problems"] = new JsonArray([.. problems.Select(problem => new JsonObject { ["method"] = problem.Method, ["id"] = problem.Id, ["problem"] = problem.Problem })]),
    };

    private static void Print(IReadOnlyList<PieBenchRow> rows, IReadOnlyList<PieBenchProblem> problems, bool markdown)
    {
        var overall = rows.Where(row => row.Type is null).ToList();
        var columns = PieBenchMeasures.Columns.Where(column => overall.Any(row => row.Means[column.Name] is not null)).ToList();
        var table = new Table { Border = markdown ? TableBorder.Markdown : TableBorder.Square }.AddColumns(["method", "edits", .. columns.Select(column => column.Heading)]);
        foreach (var row in overall)
            table.AddRow([row.Method, Figures.Shown(row.Count, "F0"), .. columns.Select(column => Figures.Shown(row.Means[column.Name] * column.Factor, column.Format))]);
        AnsiConsole.Write(table);
        foreach (var problem in problems)
            PrintProblem(problem);
    }

    private static string Quoted(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || "./-_+".Contains(c, StringComparison.Ordinal)) ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static void PrintProblem(PieBenchProblem problem) => Console.Out.WriteLine($"not edited: {problem.Id} by {problem.Method}. {problem.Problem}");

    private static SKBitmap Sample(PieBenchData data, IReadOnlyList<PieBenchMethod> methods, PieBenchRun run)
    {
        var cells = new List<SheetCell?>();
        foreach (var item in data.Items.Take(ImagesOnSheet))
        {
            cells.Add(new(Image.Load(data.PathOf(item)).ToBitmap(), item.SourcePrompt));
            cells.AddRange(methods.Select(method => File.Exists(run.PathOf(method, item)) ? new SheetCell(Image.Load(run.PathOf(method, item)).ToBitmap(), $"{method.Name}: {item.TargetPrompt}") : null));
        }

        var sheet = Sheet.Draw(cells, columns: methods.Count + 1, SheetSide);
        cells.ForEach(cell => cell?.Image.Dispose());
        return sheet;
    }
}
