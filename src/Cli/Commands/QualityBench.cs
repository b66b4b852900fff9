using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Evaluation.Quality;
using SkiaSharp;
using Spectre.Console;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p bench quality</c>: what edits keep and change on a model of the drawn world.</summary>
internal static class QualityBench
{
    private const int SamplesOfEachKind = 2;
    private const int SampleSide = 192;
    private static readonly long[] Timesteps = [261, 461];

    public static Command Create(CancellationToken cancel)
    {
        var standard = new EditQualityOptions();
        var pairs = Parsed.Number("--pairs", "Pairs of prompts, evenly spread over the kinds of edit", standard.Pairs);
        var steps = Parsed.Number("--steps", "Denoising steps", standard.Steps);
        var guidance = Parsed.Number("--guidance", "Classifier-free guidance", standard.Guidance);
        var seed = Parsed.Number("--seed", "Seed of pairs, noise and drawn pictures", standard.Seed);
        var command = new Command("quality", "Measure edits of a model that was trained by \"p2p train\"") { pairs, steps, guidance, seed };
        var run = new BenchRun(command, "quality.json", "samples.png");
        command.SetAction(parse =>
        {
            var options = standard with
            {
                Pairs = parse.GetValue(pairs),
                Steps = parse.GetValue(steps),
                Guidance = parse.GetValue(guidance),
                Seed = parse.GetValue(seed),
            };
            if (options.Pairs < 1)
                throw new InvalidInputException("--pairs must be above 0.");
            if (options.Steps is < 1 or > 1000)
                throw new InvalidInputException($"--steps is {options.Steps}; give a number from 1 to 1000.");
            return run.Execute(parse, tools =>
            {
                var colours = new ColourReader(options.Seed);
                var measured = LongRun.Show(tools.Quiet, display => Measure(new EditQuality(tools.Model, options, colours, tools.Judge), options.Pairs, display, cancel));
                var kinds = KindSummary.Of(measured);
                var agreements = Agreement.OfSources(measured);
                var drawn = Drawn(tools.Model, tools.Judge, colours, options.Seed);
                cancel.ThrowIfCancellationRequested();
                return new(ToJson(options, kinds, agreements, drawn), () => Samples(measured), () => Print(kinds, agreements, drawn));
            });
        });
        return command;
    }

    private static List<EditMeasurement> Measure(EditQuality quality, int pairs, IProgress<LongProgress> display, CancellationToken cancel)
    {
        var measured = new List<EditMeasurement>();
        display.Report(new("pairs of prompts", 0, pairs, "pairs"));
        foreach (var measurement in quality.Measure(cancel))
        {
            measured.Add(measurement);
            display.Report(new("pairs of prompts", measured.Count, pairs, "pairs"));
        }

        return measured;
    }

    private static DrawnFigures Drawn(StableDiffusionModel model, PictureJudge judge, ColourReader colours, int seed) => new(
        [.. Timesteps.Select(timestep => DrawnQuality.Attention(model, timestep, seed))],
        DrawnQuality.AutoencoderPsnr(model, seed),
        colours.DrawnAccuracy,
        DrawnQuality.Judged(model, judge, encoded: false),
        DrawnQuality.Judged(model, judge, encoded: true));

    private static SKBitmap Samples(List<EditMeasurement> measured)
    {
        var cells = measured.GroupBy(m => m.Pair.Kind).OrderBy(group => group.Key).SelectMany(group => group.Take(SamplesOfEachKind)).SelectMany(m => new SheetCell[]
        {
            new(m.Source.ToBitmap(), m.Pair.SourcePrompt),
            new(m.Controlled.Picture.ToBitmap(), m.Pair.Word is { } word ? $"more {word}" : m.Pair.TargetPrompt),
            new((m.Free?.Picture ?? m.Source).ToBitmap(), "without attention control"),
        }).ToList();
        var sheet = Sheet.Draw(cells, columns: 6, SampleSide);
        cells.ForEach(cell => cell.Picture.Dispose());
        return sheet;
    }

    private static JsonObject ToJson(
        EditQualityOptions options, IReadOnlyList<KindSummary> kinds, IReadOnlyList<Agreement> agreements, DrawnFigures drawn) => new()
        {
            ["command"] = "bench quality",
            ["pairs"] = options.Pairs,
            ["steps"] = options.Steps,
            ["guidance"] = options.Guidance,
            ["seed"] = options.Seed,
            ["crossSteps"] = options.CrossSteps,
            ["selfSteps"] = options.SelfSteps,
            ["weight"] = options.Weight,
            ["kinds"] = new JsonArray([.. kinds.Select(kind => new JsonObject
            {
                ["kind"] = kind.Kind.ToString(),
                ["pairs"] = kind.Pairs,
                ["outsidePairs"] = kind.OutsidePairs,
                ["outsideShare"] = Rounded(kind.OutsideShare),
                ["ratio"] = Rounded(kind.Ratio),
                ["controlled"] = ToJson(kind.Controlled),
                ["free"] = kind.Free is { } free ? ToJson(free) : null,
            })]),
            ["sources"] = new JsonObject(agreements.Select(a => KeyValuePair.Create(NameOf(a.Slot), (JsonNode?)Rounded(a.Right)))),
            ["attention"] = new JsonArray([.. drawn.Attention.Select(a => new JsonObject
            {
                ["timestep"] = a.Timestep,
                ["pictures"] = a.Pictures,
                ["pointing"] = Rounded(a.Pointing),
                ["pointingByChance"] = Rounded(a.PointingByChance),
                ["massRatio"] = Rounded(a.MassRatio),
            })]),
            ["autoencoderPsnr"] = Rounded(drawn.AutoencoderPsnr),
            ["colourReaderOnDrawings"] = Rounded(drawn.ColourReader),
            ["judgeOnDrawings"] = ToJson(drawn.Judge),
            ["judgeOnEncodedDrawings"] = ToJson(drawn.JudgeOnEncoded),
        };

    private static JsonObject ToJson(TargetSummary target) => new()
    {
        ["outside"] = Rounded(target.Outside),
        ["change"] = Rounded(target.Change),
        ["structure"] = Rounded(target.Structure),
        ["colour"] = Rounded(target.Colour),
        ["judgedAsTarget"] = Rounded(target.Changed),
        ["judgedSubject"] = Rounded(target.Subject),
    };

    private static JsonObject ToJson(IEnumerable<JudgeAccuracy> accuracies) =>
        new(accuracies.Select(a => KeyValuePair.Create(NameOf(a.Slot), (JsonNode?)Rounded(a.Accuracy))));

    private static void Print(IReadOnlyList<KindSummary> kinds, IReadOnlyList<Agreement> agreements, DrawnFigures drawn)
    {
        Console.Out.WriteLine("Outside the changed words' region: difference from the source, 0…255");
        var local = new Table().AddColumns("edit", "pairs", "edit", "free", "ratio", "share");
        foreach (var k in kinds.Where(kind => kind.OutsidePairs > 0))
        {
            local.AddRow(
                k.Kind.ToString(), Shown(k.OutsidePairs, "F0"), Shown(k.Controlled.Outside, "F1"), Shown(k.Free?.Outside, "F1"),
                Shown(k.Ratio, "F2"), Shown(k.OutsideShare, "F2"));
        }

        AnsiConsole.Write(local);
        Console.Out.WriteLine("The whole picture: difference from the source, and agreement of edges with it");
        var whole = new Table().AddColumns("edit", "pairs", "change", "free", "edges", "free");
        foreach (var k in kinds)
        {
            whole.AddRow(
                k.Kind.ToString(), Shown(k.Pairs, "F0"), Shown(k.Controlled.Change, "F1"), Shown(k.Free?.Change, "F1"),
                Shown(k.Controlled.Structure, "F2"), Shown(k.Free?.Structure, "F2"));
        }

        AnsiConsole.Write(whole);
        Console.Out.WriteLine("Share of pictures that show what the target prompt says");
        var shown = new Table().AddColumns("edit", "judged", "edit", "free", "subject", "free", "colour read", "free");
        foreach (var k in kinds)
        {
            shown.AddRow(
                k.Kind.ToString(), KindSummary.Changed(k.Kind) is { } slot ? NameOf(slot) : "-", Shown(k.Controlled.Changed, "F2"), Shown(k.Free?.Changed, "F2"),
                Shown(k.Controlled.Subject, "F2"), Shown(k.Free?.Subject, "F2"), Shown(k.Controlled.Colour, "F2"), Shown(k.Free?.Colour, "F2"));
        }

        AnsiConsole.Write(shown);
        Console.Out.WriteLine("Share of pictures judged rightly");
        var judged = new Table().AddColumns(["pictures", .. Slots.All.Select(NameOf)]);
        judged.AddRow(["source pictures", .. Slots.All.Select(slot => Shown(agreements.FirstOrDefault(a => a.Slot == slot)?.Right, "F2"))]);
        judged.AddRow(["drawings, decoded", .. Row(drawn.JudgeOnEncoded)]);
        judged.AddRow(["drawings", .. Row(drawn.Judge)]);
        AnsiConsole.Write(judged);
        foreach (var a in drawn.Attention)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"attention at timestep {a.Timestep}, {a.Pictures} drawn pictures: pointing {a.Pointing:F2} (chance {a.PointingByChance:F2}), inside the mask {a.MassRatio:F2} times chance"));
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"autoencoder on 64 drawn pictures: PSNR {drawn.AutoencoderPsnr:F2} dB\ncolour reader on drawn pictures: {drawn.ColourReader:F2} right"));
    }

    private static IEnumerable<string> Row(IReadOnlyList<JudgeAccuracy> accuracies) =>
        Slots.All.Select(slot => Shown(accuracies.FirstOrDefault(a => a.Slot == slot)?.Accuracy, "F2"));

    private static string NameOf(Slot slot) => slot.ToString().ToLowerInvariant();

    private static string Shown(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    private static double? Rounded(double? value) => value is { } number ? Math.Round(number, 4) : null;

    private sealed record DrawnFigures(
        IReadOnlyList<AttentionQuality> Attention, double AutoencoderPsnr, double ColourReader, IReadOnlyList<JudgeAccuracy> Judge, IReadOnlyList<JudgeAccuracy> JudgeOnEncoded);
}
