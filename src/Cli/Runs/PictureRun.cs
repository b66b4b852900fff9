using System.CommandLine;
using System.Globalization;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Sessions;

namespace PromptToPrompt.Cli.Runs;

/// <summary>Makes the pictures of a request.</summary>
internal delegate EditResult MakePictures(StableDiffusionModel model, EditRequest request, IProgress<EditProgress>? progress, CancellationToken cancel);

/// <summary>What all commands that make pictures do: read the shared options, run, write the files, report.</summary>
internal sealed class PictureRun
{
    private const int GridColumns = 4;

    private readonly ModelOptions model;
    private readonly SamplingOptions sampling;
    private readonly OutputOptions output;
    private readonly ReportOptions report;

    /// <summary>Adds the shared options to a command.</summary>
    public PictureRun(Command command)
    {
        model = new ModelOptions().AddTo(command);
        sampling = new SamplingOptions().AddTo(command);
        output = new OutputOptions().AddTo(command);
        report = new ReportOptions().AddTo(command);
    }

    /// <summary>Runs the command.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="source">The source prompt.</param>
    /// <param name="complete">Adds what only this command asks for.</param>
    /// <param name="addFiles">Writes what only this command writes.</param>
    /// <param name="cancel">Stops the run before the next step; nothing is written then.</param>
    public int Execute(
        ParseResult parse, string source, Func<EditRequest, EditRequest> complete, Action<RunFolder, EditResult> addFiles, CancellationToken cancel) =>
        Execute(parse, source, complete, EditRun.Execute, (folder, result) =>
        {
            AddPictures(folder, result);
            addFiles(folder, result);
        }, cancel);

    /// <summary>The same for a command that makes its pictures in a way of its own, and writes all of them itself.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="source">The source prompt.</param>
    /// <param name="complete">Adds what only this command asks for.</param>
    /// <param name="make">Makes the pictures.</param>
    /// <param name="addFiles">Writes the pictures.</param>
    /// <param name="cancel">Stops the run before the next step; nothing is written then.</param>
    public int Execute(
        ParseResult parse, string source, Func<EditRequest, EditRequest> complete, MakePictures make, Action<RunFolder, EditResult> addFiles, CancellationToken cancel)
    {
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        var trace = output.Trace(parse) is { } path ? Path.GetFullPath(path) : null;
        var folder = new RunFolder(output.Folder(parse), trace);
        var request = complete(sampling.Request(parse, source)) with { Trace = trace is not null };
        using var loaded = model.Load(parse);
        using var latents = sampling.ReadInitialLatents(parse);
        request = request with { InitialLatents = latents };
        Warnings.Truncated(loaded.Tokenizer, request);
        using var result = StepDisplay.Run(report.Quiet(parse), progress => make(loaded, request, progress, cancel));
        cancel.ThrowIfCancellationRequested();
        addFiles(folder, result);
        if (trace is not null)
            folder.Add(trace, result.SaveTrace);

        var record = RunRecord.Create(parse, loaded, request, result);
        record["seconds"] = Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3);
        folder.Finish(record, parse.Tokens.Select(token => token.Value));
        if (report.Json(parse))
            Console.Out.WriteLine(Json.Line(record));
        else if (!report.Quiet(parse))
            Console.Out.WriteLine(Summary(folder, (double)record["seconds"]!));
        return ExitCode.Done;
    }

    private static void AddPictures(RunFolder folder, EditResult result)
    {
        for (var k = 0; k < result.Pictures.Count; k++)
            folder.Add(k == 0 ? "source.png" : $"edit-{k}.png", result.Pictures[k]);
        var cells = result.Pictures.Select((picture, k) => new SheetCell(picture.ToBitmap(), result.Prompts[k].Text)).ToList();
        using var grid = Sheet.Draw(cells, GridColumns);
        cells.ForEach(cell => cell.Picture.Dispose());
        folder.Add("grid.png", grid);
    }

    private static string Summary(RunFolder folder, double seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{string.Join('\n', folder.Files.Select(Shortest))}\n{seconds:F1} s");

    private static string Shortest(string path)
    {
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }
}
