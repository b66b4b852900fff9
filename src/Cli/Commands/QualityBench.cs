using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Evaluation.Quality;
using PromptToPrompt.Storybook.World;
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
        var output = OutputOptions.Folder("bench-quality");
        var command = new Command("quality", "Measure edits of a model that was trained by \"p2p train\"") { pairs, steps, guidance, seed, output };
        var model = new ModelOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
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
            var folder = new RunFolder(parse.GetValue(output)!, trace: null);
            var started = TimeProvider.System.GetTimestamp();
            using var loaded = model.Load(parse);
            var colours = new ColourReader(options.Seed);
            var measured = new List<EditMeasurement>();
            foreach (var measurement in EditQuality.Measure(loaded, options, colours, cancel))
            {
                measured.Add(measurement);
                if (!report.Quiet(parse) && measured.Count % 21 == 0)
                    Console.Error.WriteLine($"{measured.Count}/{options.Pairs} pairs");
            }

            var kinds = KindSummary.Of(measured);
            var attention = Timesteps.Select(timestep => DrawnQuality.Attention(loaded, timestep, options.Seed)).ToList();
            var psnr = DrawnQuality.AutoencoderPsnr(loaded, options.Seed);
            var record = ToJson(options, kinds, attention, psnr, colours.DrawnAccuracy);
            record["model"] = loaded.Directory;
            record["seconds"] = Math.Round(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 1);
            using (var sheet = Samples(measured))
                folder.Add("samples.png", sheet);
            folder.Add("quality.json", Json.File(record));
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(record));
            else if (!report.Quiet(parse))
                Print(kinds, attention, psnr, colours.DrawnAccuracy);
            return ExitCode.Done;
        });
        return command;
    }

    private static SkiaSharp.SKBitmap Samples(List<EditMeasurement> measured)
    {
        var cells = measured.GroupBy(m => m.Pair.Kind).OrderBy(group => group.Key).SelectMany(group => group.Take(SamplesOfEachKind)).SelectMany(m => new SheetCell[]
        {
            new(m.Source.ToBitmap(), m.Pair.SourcePrompt),
            new(m.Controlled.ToBitmap(), m.Pair.Word is { } word ? $"more {word}" : m.Pair.TargetPrompt),
            new(m.Free.ToBitmap(), "without attention control"),
        }).ToList();
        var sheet = Sheet.Draw(cells, columns: 6, SampleSide);
        cells.ForEach(cell => cell.Picture.Dispose());
        return sheet;
    }

    private static JsonObject ToJson(
        EditQualityOptions options, IReadOnlyList<KindSummary> kinds, IReadOnlyList<AttentionQuality> attention, double psnr, double colourReader) => new()
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
                ["outsideControlled"] = Rounded(kind.OutsideControlled),
                ["outsideFree"] = Rounded(kind.OutsideFree),
                ["ratio"] = Rounded(kind.Ratio),
                ["outsideShare"] = Rounded(kind.OutsideShare),
                ["changeControlled"] = Rounded(kind.ChangeControlled),
                ["changeFree"] = Rounded(kind.ChangeFree),
                ["structureControlled"] = Rounded(kind.StructureControlled),
                ["structureFree"] = Rounded(kind.StructureFree),
                ["colourControlled"] = Rounded(kind.ColourControlled),
                ["colourFree"] = Rounded(kind.ColourFree),
            })]),
            ["attention"] = new JsonArray([.. attention.Select(a => new JsonObject
            {
                ["timestep"] = a.Timestep,
                ["pictures"] = a.Pictures,
                ["pointing"] = Rounded(a.Pointing),
                ["pointingByChance"] = Rounded(a.PointingByChance),
                ["massRatio"] = Rounded(a.MassRatio),
            })]),
            ["autoencoderPsnr"] = Rounded(psnr),
            ["colourReaderOnDrawings"] = Rounded(colourReader),
        };

    private static void Print(IReadOnlyList<KindSummary> kinds, IReadOnlyList<AttentionQuality> attention, double psnr, double colourReader)
    {
        var local = new Table().AddColumns("edit", "pairs", "outside", "free", "ratio", "share", "colour", "free");
        foreach (var k in kinds.Where(kind => kind.Kind <= EditKind.PlaceSwap))
        {
            local.AddRow(
                k.Kind.ToString(), Shown(k.OutsidePairs, "F0"), Shown(k.OutsideControlled, "F1"), Shown(k.OutsideFree, "F1"),
                Shown(k.Ratio, "F2"), Shown(k.OutsideShare, "F2"), Shown(k.ColourControlled, "F2"), Shown(k.ColourFree, "F2"));
        }

        var whole = new Table().AddColumns("edit", "pairs", "change", "free", "edges", "free");
        foreach (var k in kinds)
        {
            whole.AddRow(
                k.Kind.ToString(), Shown(k.Pairs, "F0"), Shown(k.ChangeControlled, "F1"), Shown(k.ChangeFree, "F1"),
                Shown(k.StructureControlled, "F2"), Shown(k.StructureFree, "F2"));
        }

        AnsiConsole.Write(local);
        AnsiConsole.Write(whole);
        foreach (var a in attention)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"attention at timestep {a.Timestep}, {a.Pictures} drawn pictures: pointing {a.Pointing:F2} (chance {a.PointingByChance:F2}), inside the mask {a.MassRatio:F2} times chance"));
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"autoencoder on 64 drawn pictures: PSNR {psnr:F2} dB\ncolour reader on drawn pictures: {colourReader:F2} right"));
    }

    private static string Shown(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    private static double? Rounded(double? value) => value is { } number ? Math.Round(number, 4) : null;
}
