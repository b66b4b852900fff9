using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Judging;
using SkiaSharp;

namespace PromptToPrompt.Lab.Benches;

/// <summary>The results of a benchmark.</summary>
/// <param name="Record">The figures; model and seconds are added.</param>
/// <param name="Sheet">Draws some of the images.</param>
/// <param name="Print">Prints the figures.</param>
internal sealed record BenchFindings(JsonObject Record, Func<SKBitmap> Sheet, Action Print)
{
    /// <summary>A plot beside them, if any.</summary>
    public (string File, Func<SKBitmap> Draw)? Plot { get; init; }
}

/// <summary>The tools of a benchmark.</summary>
/// <param name="Model">The model.</param>
/// <param name="Judge">The judge.</param>
/// <param name="Quiet">Whether to suppress progress.</param>
internal sealed record BenchTools(StableDiffusionModel Model, ImageJudge Judge, bool Quiet);

/// <summary>The common part of all benchmarks: loads model and judge, measures, writes a sheet and the figures, reports.</summary>
internal sealed class BenchRun
{
    private readonly string figures;
    private readonly string sheet;
    private readonly Option<string> output;
    private readonly JudgeOption judge;
    private readonly ModelOptions model;
    private readonly ReportOptions report;

    /// <summary>Adds the shared options to a command.</summary>
    /// <param name="command">The command; the output directory is named after it.</param>
    /// <param name="figures">File name of the figures.</param>
    /// <param name="sheet">File name of the sheet of images.</param>
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
    /// <param name="measure">Measures.</param>
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
        if (found.Plot is { } plot)
        {
            using var drawn = plot.Draw();
            folder.Add(plot.File, drawn);
        }

        folder.Add(figures, Json.File(found.Record));
        if (report.Json(parse))
            Console.Out.WriteLine(Json.Line(found.Record));
        else if (!report.Quiet(parse))
            found.Print();
        return ExitCode.Done;
    }
}
