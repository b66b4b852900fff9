using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Judging;
using SkiaSharp;

namespace PromptToPrompt.Lab.Benches;

/// <summary>What a benchmark found.</summary>
/// <param name="Record">The figures; model and seconds are added.</param>
/// <param name="Sheet">Draws some of the pictures.</param>
/// <param name="Print">Shows the figures to a person.</param>
internal sealed record BenchFindings(JsonObject Record, Func<SKBitmap> Sheet, Action Print);

/// <summary>What a benchmark measures with.</summary>
/// <param name="Model">The model.</param>
/// <param name="Judge">The judge.</param>
/// <param name="Quiet">Whether nobody wants to see progress.</param>
internal sealed record BenchTools(StableDiffusionModel Model, PictureJudge Judge, bool Quiet);

/// <summary>What all benchmarks do: load model and judge, measure, write a sheet and the figures, report.</summary>
internal sealed class BenchRun
{
    private readonly string figures;
    private readonly string sheet;
    private readonly Option<string> output;
    private readonly JudgeOption judge;
    private readonly ModelOptions model;
    private readonly ReportOptions report;

    /// <summary>Adds the shared options to a command.</summary>
    /// <param name="command">The command; the folder for its files is called after it.</param>
    /// <param name="figures">Name of the file of figures.</param>
    /// <param name="sheet">Name of the sheet of pictures.</param>
    public BenchRun(Command command, string figures, string sheet)
    {
        (this.figures, this.sheet) = (figures, sheet);
        output = OutputOptions.Folder($"bench-{command.Name}");
        command.Add(output);
        judge = new JudgeOption().AddTo(command);
        model = new ModelOptions().AddTo(command);
        report = new ReportOptions().AddTo(command);
    }

    /// <summary>Runs a benchmark.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="measure">What is measured.</param>
    public int Execute(ParseResult parse, Func<BenchTools, BenchFindings> measure)
    {
        var folder = new RunFolder(parse.GetValue(output)!);
        var started = TimeProvider.System.GetTimestamp();
        using var loaded = model.Load(parse);
        using var loadedJudge = judge.Load(parse);
        model.Announce(parse, loaded.Device, report.Quiet(parse));
        var found = measure(new BenchTools(loaded, loadedJudge, report.Quiet(parse)));
        found.Record["model"] = loaded.Directory;
        found.Record["seconds"] = Math.Round(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 1);
        using (var drawn = found.Sheet())
            folder.Add(sheet, drawn);
        folder.Add(figures, Json.File(found.Record));
        if (report.Json(parse))
            Console.Out.WriteLine(Json.Line(found.Record));
        else if (!report.Quiet(parse))
            found.Print();
        return ExitCode.Done;
    }
}
