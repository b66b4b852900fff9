using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Quality;
using Spectre.Console;

namespace PromptToPrompt.Lab.Benches;

/// <summary>The figures of <c>p2p-lab bench quality</c>, as JSON and as tables.</summary>
internal sealed record QualityReport(EditQualityOptions Options, IReadOnlyList<KindSummary> Kinds, IReadOnlyList<Agreement> Agreements, DrawnFigures Drawn)
{
    public JsonObject ToJson() => new()
    {
        ["command"] = "bench quality",
        ["pairs"] = Options.Pairs,
        ["steps"] = Options.Steps,
        ["guidance"] = Options.Guidance,
        ["seed"] = Options.Seed,
        ["crossSteps"] = Options.CrossSteps,
        ["selfSteps"] = Options.SelfSteps,
        ["weight"] = Options.Weight,
        ["kinds"] = new JsonArray([.. Kinds.Select(kind => new JsonObject
        {
            ["kind"] = kind.Kind.ToString(),
            ["pairs"] = kind.Pairs,
            ["outsidePairs"] = kind.OutsidePairs,
            ["outsideShare"] = Figures.Rounded(kind.OutsideShare),
            ["ratio"] = Figures.Rounded(kind.Ratio),
            ["controlled"] = ToJson(kind.Controlled),
            ["free"] = kind.Free is { } free ? ToJson(free) : null,
        })]),
        ["sources"] = new JsonObject(Agreements.Select(a => KeyValuePair.Create(NameOf(a.Slot), (JsonNode?)Figures.Rounded(a.Right)))),
        ["attention"] = new JsonArray([.. Drawn.Attention.Select(a => new JsonObject
        {
            ["timestep"] = a.Timestep,
            ["pictures"] = a.Images,
            ["pointing"] = Figures.Rounded(a.Pointing),
            ["pointingByChance"] = Figures.Rounded(a.PointingByChance),
            ["massRatio"] = Figures.Rounded(a.MassRatio),
        })]),
        ["autoencoderPsnr"] = Figures.Rounded(Drawn.AutoencoderPsnr),
        ["colorReaderOnDrawings"] = Figures.Rounded(Drawn.ColorReader),
        ["judgeOnDrawings"] = ToJson(Drawn.Judge),
        ["judgeOnEncodedDrawings"] = ToJson(Drawn.JudgeOnEncoded),
    };

    public void Print()
    {
        PrintOutside();
        PrintWhole();
        PrintShown();
        PrintJudged();
        foreach (var a in Drawn.Attention)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"attention at timestep {a.Timestep}, {a.Images} drawn pictures: pointing {a.Pointing:F2} (chance {a.PointingByChance:F2}), inside the mask {a.MassRatio:F2} times chance"));
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"autoencoder on 64 drawn pictures: PSNR {Drawn.AutoencoderPsnr:F2} dB\ncolor reader on drawn pictures: {Drawn.ColorReader:F2} right"));
    }

    private void PrintOutside()
    {
        Console.Out.WriteLine("Outside the changed words' region: difference from the source, 0…255");
        var local = new Table().AddColumns("edit", "pairs", "edit", "free", "ratio", "share");
        foreach (var k in Kinds.Where(kind => kind.OutsidePairs > 0))
        {
            local.AddRow(
                k.Kind.ToString(), Figures.Shown(k.OutsidePairs, "F0"), Figures.Shown(k.Controlled.Outside, "F1"), Figures.Shown(k.Free?.Outside, "F1"),
                Figures.Shown(k.Ratio, "F2"), Figures.Shown(k.OutsideShare, "F2"));
        }

        AnsiConsole.Write(local);
    }

    private void PrintWhole()
    {
        Console.Out.WriteLine("The whole picture: difference from the source, and agreement of edges with it");
        var whole = new Table().AddColumns("edit", "pairs", "change", "free", "edges", "free");
        foreach (var k in Kinds)
        {
            whole.AddRow(
                k.Kind.ToString(), Figures.Shown(k.Pairs, "F0"), Figures.Shown(k.Controlled.Change, "F1"), Figures.Shown(k.Free?.Change, "F1"),
                Figures.Shown(k.Controlled.Structure, "F2"), Figures.Shown(k.Free?.Structure, "F2"));
        }

        AnsiConsole.Write(whole);
    }

    private void PrintShown()
    {
        Console.Out.WriteLine("Share of pictures that show what the target prompt says");
        var shown = new Table().AddColumns("edit", "judged", "edit", "free", "subject", "free", "color read", "free");
        foreach (var k in Kinds)
        {
            shown.AddRow(
                k.Kind.ToString(), KindSummary.Changed(k.Kind) is { } slot ? NameOf(slot) : "-", Figures.Shown(k.Controlled.Changed, "F2"), Figures.Shown(k.Free?.Changed, "F2"),
                Figures.Shown(k.Controlled.Subject, "F2"), Figures.Shown(k.Free?.Subject, "F2"), Figures.Shown(k.Controlled.Color, "F2"), Figures.Shown(k.Free?.Color, "F2"));
        }

        AnsiConsole.Write(shown);
    }

    private void PrintJudged()
    {
        Console.Out.WriteLine("Share of pictures judged correctly");
        var judged = new Table().AddColumns(["pictures", .. Slots.All.Select(NameOf)]);
        judged.AddRow(["source pictures", .. Slots.All.Select(slot => Figures.Shown(Agreements.FirstOrDefault(a => a.Slot == slot)?.Right, "F2"))]);
        judged.AddRow(["drawings, decoded", .. Row(Drawn.JudgeOnEncoded)]);
        judged.AddRow(["drawings", .. Row(Drawn.Judge)]);
        AnsiConsole.Write(judged);
    }

    private static JsonObject ToJson(TargetSummary target) => new()
    {
        ["outside"] = Figures.Rounded(target.Outside),
        ["change"] = Figures.Rounded(target.Change),
        ["structure"] = Figures.Rounded(target.Structure),
        ["color"] = Figures.Rounded(target.Color),
        ["judgedAsTarget"] = Figures.Rounded(target.Changed),
        ["judgedSubject"] = Figures.Rounded(target.Subject),
    };

    private static JsonObject ToJson(IEnumerable<JudgeAccuracy> accuracies) =>
        new(accuracies.Select(a => KeyValuePair.Create(NameOf(a.Slot), (JsonNode?)Figures.Rounded(a.Accuracy))));

    private static IEnumerable<string> Row(IReadOnlyList<JudgeAccuracy> accuracies) =>
        Slots.All.Select(slot => Figures.Shown(accuracies.FirstOrDefault(a => a.Slot == slot)?.Accuracy, "F2"));

    private static string NameOf(Slot slot) => slot.ToString().ToLowerInvariant();
}
