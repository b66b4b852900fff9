using System.Text.Json.Nodes;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Evaluation.Inversions;
using PromptToPrompt.Evaluation.Measures;
using Spectre.Console;

namespace PromptToPrompt.Lab.Benches;

/// <summary>The figures of <c>p2p-lab bench inversion</c>, as JSON and as tables.</summary>
internal sealed record InversionReport(InversionSettings Settings, IReadOnlyList<MeasuredGroup> Groups)
{
    // A wrapped table would not be valid Markdown.
    private const int TableWidth = 120;

    public JsonObject ToJson() => new()
    {
        ["command"] = "bench inversion",
        ["steps"] = Settings.Sampling.Steps,
        ["guidance"] = Settings.Sampling.Guidance,
        ["seed"] = Settings.Sampling.Seed,
        ["groups"] = new JsonArray([.. Groups.Select(group => new JsonObject
        {
            ["pictures"] = group.Name,
            ["count"] = group.Summaries[0].Images,
            ["autoencoder"] = ToJson(group.Summaries[0].Ceiling),
            ["ways"] = new JsonArray([.. group.Summaries.Select(way => new JsonObject
            {
                ["name"] = way.Contender.Name,
                ["source"] = ToJson(way.Source),
                ["retraced"] = ToJson(way.Retraced),
                ["edited"] = ToJson(way.Edited),
                ["free"] = ToJson(way.Free),
                ["ratio"] = Figures.Rounded(way.Ratio),
                ["inversion"] = ToJson(way.InversionCost),
                ["edit"] = ToJson(way.EditCost),
            })]),
        })]),
    };

    /// <summary>Prints the tables.</summary>
    /// <param name="markdown">Whether to print Markdown, as in the documentation.</param>
    public void Print(bool markdown)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        console.Profile.Width = Math.Max(console.Profile.Width, TableWidth);
        foreach (var (name, _, ways) in Groups)
        {
            Write($"{ways[0].Images} {name}, reconstructed", BroughtBack(ways));
            if (ways.Where(way => way.Edited is not null).ToList() is [var first, ..] edited)
                Write($"{first.Edited!.Count} {name}, edited", Edited(edited));
        }

        void Write(string title, Table table)
        {
            Console.Out.WriteLine(markdown ? $"\n**{title}**\n" : title);
            console.Write(markdown ? table.MarkdownBorder() : table);
        }
    }

    private static Table BroughtBack(IReadOnlyList<ContenderSummary> ways)
    {
        var table = new Table().AddColumns("inversion", "source PSNR", "SSIM", "retraced PSNR", "SSIM", "rows", "seconds");
        table.AddRow(["autoencoder", .. Shown(ways[0].Ceiling), "-", "-", "-", "-"]);
        foreach (var way in ways)
            table.AddRow([way.Contender.Name, .. Shown(way.Source), .. Shown(way.Retraced), .. Shown(way.InversionCost)]);
        return table;
    }

    private static Table Edited(IEnumerable<ContenderSummary> ways)
    {
        var table = new Table().AddColumns("inversion", "outside", "free", "ratio", "shown", "free", "rows", "seconds");
        foreach (var way in ways)
        {
            double?[] figures = [way.Edited!.Outside, way.Free!.Outside, way.Ratio, way.Edited.Shown, way.Free.Shown];
            table.AddRow([way.Contender.Name, .. figures.Select(figure => Figures.Shown(figure, "F2")), .. Shown(way.EditCost)]);
        }

        return table;
    }

    private static string[] Shown(Fidelity fidelity) => [Figures.Shown(fidelity.Psnr, "F2"), Figures.Shown(fidelity.Ssim, "F3")];

    private static string[] Shown(TrialCost cost) => [Figures.Shown(cost.Rows, "F0"), Figures.Shown(cost.Seconds, "F1")];

    private static JsonObject ToJson(Fidelity fidelity) => new() { ["psnr"] = Figures.Rounded(fidelity.Psnr), ["ssim"] = Figures.Rounded(fidelity.Ssim) };

    private static JsonObject? ToJson(EditsSummary? edits) => edits is null ? null
        : new() { ["edits"] = edits.Count, ["outside"] = Figures.Rounded(edits.Outside), ["shown"] = Figures.Rounded(edits.Shown) };

    private static JsonObject ToJson(TrialCost cost) => new() { ["seconds"] = Figures.Rounded(cost.Seconds), ["rows"] = cost.Rows };
}

/// <summary>Images of one kind, with the results of all contenders.</summary>
internal sealed record MeasuredGroup(string Name, IReadOnlyList<InversionTrial> Trials, IReadOnlyList<ContenderSummary> Summaries);
