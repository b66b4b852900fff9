using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Evaluation.Quality;
using Spectre.Console;

namespace PromptToPrompt.Lab.Benches;

/// <summary>The figures of <c>p2p-lab bench weights</c>, as JSON and as tables.</summary>
internal sealed record WeightsReport(WeightSweepOptions Options, IReadOnlyList<WeightMeasurement> Measured, IReadOnlyList<WeightSummary> Summaries)
{
    public JsonObject ToJson()
    {
        var (lowest, highest) = WeightSummary.UsefulRange(Summaries);
        return new()
        {
            ["command"] = "bench weights",
            ["seeds"] = Options.Seeds,
            ["steps"] = Options.Steps,
            ["guidance"] = Options.Guidance,
            ["seed"] = Options.Seed,
            ["words"] = new JsonArray([.. Measured.GroupBy(m => m.Word).Select(word => new JsonObject
            {
                ["word"] = word.Key.Word,
                ["prompt"] = word.Key.Prompt,
                ["weights"] = ToJson(WeightSummary.Of(word)),
            })]),
            ["all"] = ToJson(Summaries),
            ["usefulFrom"] = lowest,
            ["usefulTo"] = highest,
        };
    }

    public void Print()
    {
        Console.Out.WriteLine("The judge's confidence that the picture shows the word, by its weight");
        AddRows(Measured.GroupBy(m => m.Word).Select(word => (word.Key.Word, WeightSummary.Of(word), new Func<WeightSummary, double>(s => s.Presence))));
        Console.Out.WriteLine("All words together; change, edges and strength compare with weight 1");
        AddRows(
        [
            ("confidence", Summaries, s => s.Presence),
            ("subject kept", Summaries, s => s.SubjectKept),
            ("edges", Summaries, s => s.Structure),
            ("strength", Summaries, s => s.Strength),
            ("change/255", Summaries, s => s.Change / 255),
        ]);
        var (lowest, highest) = WeightSummary.UsefulRange(Summaries);
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"useful range: {lowest} to {highest} (three in four pictures keep their subject, and latents keep their strength within a quarter)"));
    }

    private static JsonArray ToJson(IEnumerable<WeightSummary> summaries) => new([.. summaries.Select(s => new JsonObject
    {
        ["weight"] = s.Weight,
        ["presence"] = Figures.Rounded(s.Presence),
        ["change"] = Figures.Rounded(s.Change),
        ["structure"] = Figures.Rounded(s.Structure),
        ["strength"] = Figures.Rounded(s.Strength),
        ["subjectKept"] = Figures.Rounded(s.SubjectKept),
    })]);

    private static void AddRows(IEnumerable<(string Name, IReadOnlyList<WeightSummary> Summaries, Func<WeightSummary, double> Figure)> rows)
    {
        var table = new Table().AddColumns(["", .. WeightSweep.Weights.Select(weight => Figures.Shown(weight, "0.#"))]);
        foreach (var (name, summaries, figure) in rows)
            table.AddRow([name, .. summaries.Select(s => Figures.Shown(figure(s), "F2"))]);
        AnsiConsole.Write(table);
    }
}
