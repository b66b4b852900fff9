using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Evaluation.Quality;
using SkiaSharp;
using Spectre.Console;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p bench weights</c>: what the weight of a word does, and how far it can go.</summary>
internal static class WeightsBench
{
    private const int SampleSide = 128;

    public static Command Create(CancellationToken cancel)
    {
        var standard = new WeightSweepOptions();
        var seeds = Parsed.Number("--seeds", "Pictures of each word", standard.Seeds);
        var steps = Parsed.Number("--steps", "Denoising steps", standard.Steps);
        var guidance = Parsed.Number("--guidance", "Classifier-free guidance", standard.Guidance);
        var seed = Parsed.Number("--seed", "Seed of the first noise", standard.Seed);
        var command = new Command("weights", "Measure what re-weighting does, from weight to weight") { seeds, steps, guidance, seed };
        var run = new BenchRun(command, "weights.json", "weights.png");
        command.SetAction(parse =>
        {
            var options = new WeightSweepOptions
            {
                Seeds = parse.GetValue(seeds),
                Steps = parse.GetValue(steps),
                Guidance = parse.GetValue(guidance),
                Seed = parse.GetValue(seed),
            };
            if (options.Seeds < 1)
                throw new InvalidInputException("--seeds must be above 0.");
            return run.Execute(parse, tools =>
            {
                var measured = LongRun.Show(tools.Quiet, display => Measure(tools, options, display, cancel));
                var summaries = WeightSummary.Of(measured);
                return new(ToJson(options, measured, summaries), () => Samples(measured, options.Seed), () => Print(measured, summaries));
            });
        });
        return command;
    }

    private static List<WeightMeasurement> Measure(BenchTools tools, WeightSweepOptions options, IProgress<LongProgress> display, CancellationToken cancel)
    {
        var total = WeightSweep.Words.Count * options.Seeds;
        var all = new List<WeightMeasurement>();
        display.Report(new("re-weighted words", 0, total, "runs"));
        foreach (var run in WeightSweep.Measure(tools.Model, tools.Judge, options, cancel))
        {
            all.AddRange(run);
            display.Report(new("re-weighted words", all.Count / WeightSweep.Weights.Count, total, "runs"));
        }

        return all;
    }

    private static SKBitmap Samples(List<WeightMeasurement> measured, long seed)
    {
        var cells = measured.Where(m => m.Seed == seed).Select(m => new SheetCell(m.Picture.ToBitmap(), $"{m.Word.Word} {Shown(m.Weight, "0.#")}")).ToList();
        var sheet = Sheet.Draw(cells, WeightSweep.Weights.Count, SampleSide);
        cells.ForEach(cell => cell.Picture.Dispose());
        return sheet;
    }

    private static JsonObject ToJson(WeightSweepOptions options, List<WeightMeasurement> measured, IReadOnlyList<WeightSummary> summaries)
    {
        var (lowest, highest) = WeightSummary.UsefulRange(summaries);
        return new()
        {
            ["command"] = "bench weights",
            ["seeds"] = options.Seeds,
            ["steps"] = options.Steps,
            ["guidance"] = options.Guidance,
            ["seed"] = options.Seed,
            ["words"] = new JsonArray([.. measured.GroupBy(m => m.Word).Select(word => new JsonObject
            {
                ["word"] = word.Key.Word,
                ["prompt"] = word.Key.Prompt,
                ["weights"] = ToJson(WeightSummary.Of(word)),
            })]),
            ["all"] = ToJson(summaries),
            ["usefulFrom"] = lowest,
            ["usefulTo"] = highest,
        };
    }

    private static JsonArray ToJson(IEnumerable<WeightSummary> summaries) => new([.. summaries.Select(s => new JsonObject
    {
        ["weight"] = s.Weight,
        ["presence"] = Math.Round(s.Presence, 4),
        ["change"] = Math.Round(s.Change, 4),
        ["structure"] = Math.Round(s.Structure, 4),
        ["strength"] = Math.Round(s.Strength, 4),
        ["subjectKept"] = Math.Round(s.SubjectKept, 4),
    })]);

    private static void Print(List<WeightMeasurement> measured, IReadOnlyList<WeightSummary> summaries)
    {
        Console.Out.WriteLine("How sure the judge is of what the word names, by the word's weight");
        AddRows(measured.GroupBy(m => m.Word).Select(word => (word.Key.Word, WeightSummary.Of(word), new Func<WeightSummary, double>(s => s.Presence))));
        Console.Out.WriteLine("All words together; change, edges and strength compare with weight 1");
        AddRows(
        [
            ("sure of it", summaries, s => s.Presence),
            ("subject kept", summaries, s => s.SubjectKept),
            ("edges", summaries, s => s.Structure),
            ("strength", summaries, s => s.Strength),
            ("change/255", summaries, s => s.Change / 255),
        ]);
        var (lowest, highest) = WeightSummary.UsefulRange(summaries);
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"useful range: {lowest} to {highest} (three in four pictures keep their subject, and latents keep their strength within a quarter)"));
    }

    private static void AddRows(IEnumerable<(string Name, IReadOnlyList<WeightSummary> Summaries, Func<WeightSummary, double> Figure)> rows)
    {
        var table = new Table().AddColumns(["", .. WeightSweep.Weights.Select(weight => Shown(weight, "0.#"))]);
        foreach (var (name, summaries, figure) in rows)
            table.AddRow([name, .. summaries.Select(s => Shown(figure(s), "F2"))]);
        AnsiConsole.Write(table);
    }

    private static string Shown(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
