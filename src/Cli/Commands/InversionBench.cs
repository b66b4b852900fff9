using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Evaluation.Inversions;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Evaluation.Quality;
using SkiaSharp;
using Spectre.Console;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p bench inversion</c>: how well each way of inverting brings pictures back, and what edits of them keep and change.</summary>
internal static class InversionBench
{
    private const int StandardPictures = 100;
    private const int SampleSide = 128;
    private const int Samples = 4;

    // A table that is broken into narrower lines is no Markdown any more.
    private const int TableWidth = 120;

    private static readonly EditQualityOptions Standard = new();

    public static Command Create(CancellationToken cancel)
    {
        var pictures = Parsed.Number("--pictures", "Drawn pictures, none of which the training has seen", StandardPictures);
        var photos = new Option<string?>("--photos") { Description = "Also a folder of photographs, named by what they show or with a captions.txt (name, tab, prompt)", HelpName = "dir" };
        var steps = Parsed.Number("--steps", "Denoising steps", Standard.Steps);
        var guidance = Parsed.Number("--guidance", "Classifier-free guidance of the edits", Standard.Guidance);
        var seed = Parsed.Number("--seed", "Seed of the drawings and of edit-friendly noise", Standard.Seed);
        var rates = Parsed.Of<double[]>("--learning-rates", "Also null-text with these learning rates, such as 0.03,0.1", "numbers above 0 with commas between them", ReadRates);
        rates.DefaultValueFactory = _ => [];
        var only = new Option<string[]>("--only") { Description = "Only these ways of inverting, as the table names them", HelpName = "name", Arity = ArgumentArity.OneOrMore };
        var markdown = new Option<bool>("--markdown") { Description = "Write the tables as Markdown" };
        var command = new Command("inversion", "Measure the ways of inverting a real picture") { pictures, photos, steps, guidance, seed, rates, only, markdown };
        var run = new BenchRun(command, "inversions.json", "inversions.png");
        command.SetAction(parse =>
        {
            var shared = new InversionSettings { Prompt = "", Steps = parse.GetValue(steps), Guidance = parse.GetValue(guidance), Seed = parse.GetValue(seed) };
            var contenders = Choose(InversionContender.All(shared, parse.GetValue(rates)!), parse.GetValue(only)!);
            foreach (var contender in contenders)
                contender.Settings.Validate();
            if (parse.GetValue(pictures) < 0 || (parse.GetValue(pictures) == 0 && parse.GetValue(photos) is null))
                throw new InvalidInputException("--pictures must be above 0, or 0 with --photos.");
            return run.Execute(parse, tools =>
            {
                var photographs = parse.GetValue(photos) is { } path ? Parsed.Named("--photos", () => PhotoFolder.Read(path, tools.Model)) : [];
                List<SampleGroup> groups =
                [
                    new("drawings", parse.GetValue(pictures), HeldOutPictures.Draw(tools.Model, parse.GetValue(pictures), parse.GetValue(seed))),
                    new("photographs", photographs.Count, photographs),
                ];
                var comparison = new InversionComparison(tools.Model, tools.Judge, TimeProvider.System);
                var measured = groups.Where(group => group.Count > 0).Select(group => LongRun.Show(
                    tools.Quiet, display => Measure(comparison, group, contenders, display, cancel))).ToList();
                cancel.ThrowIfCancellationRequested();
                return new(ToJson(shared, measured), () => Sheet(measured, contenders), () => Print(measured, parse.GetValue(markdown)));
            });
        });
        return command;
    }

    private static double[] ReadRates(string text)
    {
        var rates = text.Split(',').Select(part => double.Parse(part, NumberStyles.Float, CultureInfo.InvariantCulture)).ToArray();
        return rates.All(rate => rate > 0 && double.IsFinite(rate)) ? rates : throw new FormatException();
    }

    private static IReadOnlyList<InversionContender> Choose(IReadOnlyList<InversionContender> all, string[] names)
    {
        if (names.FirstOrDefault(name => all.All(contender => contender.Name != name)) is { } unknown)
            throw new InvalidInputException($"--only: there is no \"{unknown}\"; choose among {string.Join(", ", all.Select(contender => contender.Name))}.");
        return names.Length == 0 ? all : [.. all.Where(contender => names.Contains(contender.Name))];
    }

    private static MeasuredGroup Measure(
        InversionComparison comparison, SampleGroup group, IReadOnlyList<InversionContender> contenders, IProgress<LongProgress> display, CancellationToken cancel)
    {
        var trials = new List<InversionTrial>();
        var total = group.Count * contenders.Count;
        display.Report(new(group.Name, 0, total, "inversions"));
        foreach (var sample in group.Pictures)
        {
            foreach (var trial in comparison.Run(sample, contenders, cancel))
            {
                // A hundred pictures in a dozen ways are too many to hold.
                trials.Add(trials.Count < Samples * contenders.Count ? trial : trial with { Pictures = null });
                display.Report(new(group.Name, trials.Count, total, "inversions", trial.Contender.Name));
            }
        }

        return new(group.Name, trials, ContenderSummary.Of(trials));
    }

    private static SKBitmap Sheet(IReadOnlyList<MeasuredGroup> measured, IReadOnlyList<InversionContender> contenders)
    {
        var bitmaps = new List<SKBitmap>();
        var shown = contenders.Where(contender => contender.IsEdited).ToList();
        if (shown.Count == 0)
            shown = [.. contenders];
        var sections = measured.SelectMany(group => group.Trials.Where(trial => trial.Pictures is not null && shown.Contains(trial.Contender)).GroupBy(trial => trial.Sample))
            .Select(group => Section(group.Key, [.. group.Select(trial => trial.Pictures!)])).ToList();
        var sheet = PictureTable.Draw(["picture", "autoencoder", .. shown.Select(contender => contender.Name)], sections, SampleSide);
        bitmaps.ForEach(bitmap => bitmap.Dispose());
        return sheet;

        PictureSection Section(SamplePicture sample, List<TrialPictures> tried) => new(
            sample.Edit is { } edit ? $"{sample.Prompt} → {edit.Pair.TargetPrompt}" : sample.Prompt,
            [
                Row("brought back", sample.Picture, tried[0].Ceiling, tried.Select(pictures => pictures.Source)),
                Row("retraced", sample.Picture, tried[0].Ceiling, tried.Select(pictures => pictures.Retraced)),
                // Beside an edit stands what it would be if it were drawn.
                .. sample.Edit is null || tried[0].Edited is null ? Array.Empty<PictureRow>() :
                [
                    Row("edit", sample.Edit.Target, tried[0].Ceiling, tried.Select(pictures => pictures.Edited!)),
                    Row("without control", sample.Edit.Target, tried[0].Ceiling, tried.Select(pictures => pictures.Free!)),
                ],
            ]);

        PictureRow Row(string label, Picture picture, Picture ceiling, IEnumerable<Picture> tried)
        {
            List<SKBitmap> row = [.. tried.Prepend(ceiling).Prepend(picture).Select(one => one.ToBitmap())];
            bitmaps.AddRange(row);
            return new(label, StandsOut: label == "edit", row);
        }
    }

    private static JsonObject ToJson(InversionSettings shared, IReadOnlyList<MeasuredGroup> measured) => new()
    {
        ["command"] = "bench inversion",
        ["steps"] = shared.Steps,
        ["guidance"] = shared.Guidance,
        ["seed"] = shared.Seed,
        ["groups"] = new JsonArray([.. measured.Select(group => new JsonObject
        {
            ["pictures"] = group.Name,
            ["count"] = group.Summaries[0].Pictures,
            ["autoencoder"] = ToJson(group.Summaries[0].Ceiling),
            ["ways"] = new JsonArray([.. group.Summaries.Select(way => new JsonObject
            {
                ["name"] = way.Contender.Name,
                ["source"] = ToJson(way.Source),
                ["retraced"] = ToJson(way.Retraced),
                ["edited"] = ToJson(way.Edited),
                ["free"] = ToJson(way.Free),
                ["ratio"] = Rounded(way.Ratio),
                ["inversion"] = ToJson(way.InversionCost),
                ["edit"] = ToJson(way.EditCost),
            })]),
        })]),
    };

    private static JsonObject ToJson(Fidelity fidelity) => new() { ["psnr"] = Rounded(fidelity.Psnr), ["ssim"] = Rounded(fidelity.Ssim) };

    private static JsonObject? ToJson(EditsSummary? edits) => edits is null ? null
        : new() { ["edits"] = edits.Count, ["outside"] = Rounded(edits.Outside), ["shown"] = Rounded(edits.Shown) };

    private static JsonObject ToJson(TrialCost cost) => new() { ["seconds"] = Rounded(cost.Seconds), ["rows"] = cost.Rows };

    private static void Print(IReadOnlyList<MeasuredGroup> measured, bool markdown)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        console.Profile.Width = Math.Max(console.Profile.Width, TableWidth);
        foreach (var (name, _, ways) in measured)
        {
            Title(string.Create(CultureInfo.InvariantCulture, $"{ways[0].Pictures} {name}, brought back"));
            var back = Table("inversion", "source PSNR", "SSIM", "retraced PSNR", "SSIM", "rows", "seconds");
            back.AddRow(["autoencoder", .. Shown(ways[0].Ceiling), "-", "-", "-", "-"]);
            foreach (var way in ways)
            {
                back.AddRow(
                [
                    way.Contender.Name, .. Shown(way.Source), .. Shown(way.Retraced), Shown(way.InversionCost.Rows, "F0"), Shown(way.InversionCost.Seconds, "F1"),
                ]);
            }

            console.Write(back);
            var edited = ways.Where(way => way.Edited is not null).ToList();
            if (edited.Count == 0)
                continue;
            Title(string.Create(CultureInfo.InvariantCulture, $"{edited[0].Edited!.Count} {name}, edited"));
            var edits = Table("inversion", "outside", "free", "ratio", "shown", "free", "rows", "seconds");
            foreach (var way in edited)
            {
                edits.AddRow(
                    way.Contender.Name, Shown(way.Edited!.Outside, "F2"), Shown(way.Free!.Outside, "F2"), Shown(way.Ratio, "F2"),
                    Shown(way.Edited.Shown, "F2"), Shown(way.Free.Shown, "F2"), Shown(way.EditCost.Rows, "F0"), Shown(way.EditCost.Seconds, "F1"));
            }

            console.Write(edits);
        }

        Table Table(params string[] columns)
        {
            var table = new Table().AddColumns(columns);
            return markdown ? table.MarkdownBorder() : table;
        }

        void Title(string title) => Console.Out.WriteLine(markdown ? $"\n**{title}**\n" : title);
    }

    private static string[] Shown(Fidelity fidelity) => [Shown(fidelity.Psnr, "F2"), Shown(fidelity.Ssim, "F3")];

    private static string Shown(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    private static double? Rounded(double? value) => value is { } number ? Math.Round(number, 4) : null;

    private sealed record SampleGroup(string Name, int Count, IEnumerable<SamplePicture> Pictures);

    private sealed record MeasuredGroup(string Name, IReadOnlyList<InversionTrial> Trials, IReadOnlyList<ContenderSummary> Summaries);
}
