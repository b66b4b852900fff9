using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Cli.Runs;

/// <summary>The common part of all commands that make pictures: read the shared options, run, write the files, report.</summary>
internal sealed class ImageRun
{
    private readonly ModelOptions model;
    private readonly SamplingOptions sampling;
    private readonly OutputOptions output;
    private readonly ReportOptions report;

    private readonly Repetition? repeats;

    /// <summary>Adds the shared options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="repeats">The recorded run to repeat; null for a new run.</param>
    public ImageRun(Command command, Repetition? repeats)
    {
        this.repeats = repeats;
        model = new ModelOptions().AddTo(command);
        sampling = new SamplingOptions().AddTo(command);
        output = new OutputOptions().AddTo(command);
        report = new ReportOptions().AddTo(command);
    }

    /// <summary>The sampling options.</summary>
    public SamplingOptions Sampling => sampling;

    /// <summary>Whether to show no progress.</summary>
    public bool IsQuiet(ParseResult parse) => report.Quiet(parse);

    /// <summary>Runs a command.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="job">The command's own part.</param>
    /// <param name="cancellationToken">Stops the run before the next step; nothing is written then.</param>
    public int Execute(ParseResult parse, ImageJob job, CancellationToken cancellationToken)
    {
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        IReadOnlyList<RunInput> inputs = [.. job.Inputs, .. sampling.Inputs(parse), .. model.Inputs(parse)];
        var folder = new ImageFolder(output.Folder(parse), output.Overwrites(parse), job.Inputs.Select(input => input.Path));
        var trace = output.Trace(parse) is { } path ? new TraceFile(path, output.Overwrites(parse)) : null;
        trace?.Check(inputs.Select(input => input.Path));
        // A repeated run writes its trace next to the pictures.
        var traceName = trace?.Path ?? repeats?.Trace;
        var request = new ImageRequest(
            new GenerationRequest { Prompt = job.Source, Sampling = sampling.Settings(parse) }, job.Edit(), job.Observation with { Trace = traceName is not null });
        using var loaded = model.Load(parse, new MemoryDemand(
            request.Edit.Method.RowsOf(request.Edit.Prompts.Count, request.Sampling), request.Sampling.Size, job.HasGradient ? 1 : 0, Given: job.Given,
            RowsTogether: request.Edit.Method.RowsTogetherOf(request.Edit.Prompts.Count, request.Sampling)), MethodOptions.RowByRow(request.Edit.Method, request.Sampling.Steps));
        repeats?.Require(loaded);
        var record = RunRecord.Begin(parse, loaded, repeats?.ModelName ?? model.Name(parse), inputs, Path.GetFileName(traceName));
        trace?.RequireTrace();
        using var latents = sampling.ReadInitialLatents(parse);
        request = job.Prepare(loaded, request with
        {
            Source = request.Source with
            {
                InitialLatents = latents,
                Sampling = request.Sampling with { Chunks = sampling.Chunks(parse, loaded.Tokenizer, [.. request.Texts]) },
            },
        });
        if (request.Sampling.Scheduler is null && loaded.SchedulerConfig.Substitution is { } scheduler)
            Warnings.Note([scheduler]);
        var prompts = Warnings.PromptsOf(loaded.Tokenizer, request);
        Warnings.Truncated(prompts);
        if (!report.Quiet(parse))
        {
            Warnings.Empty(request.Source.Prompt, request.Edit.Prompts);
            Warnings.Quotes([request.Source.Prompt, .. request.Edit.Prompts]);
        }

        using var result = StepDisplay.Run(report.Quiet(parse), progress => job.Make(loaded, request, progress, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
        // Notes come after the run, so that an input error is the only output.
        model.Announce(parse, loaded.Device, report.Quiet(parse));
        if (!report.Quiet(parse))
        {
            Warnings.Notation(request.Texts);
            Warnings.Concepts(loaded, request);
            Warnings.Unknown(loaded.Directory, loaded.Tokenizer, prompts);
            Warnings.Note([.. job.Notes, .. UnusedOptions.OfAll(loaded, [(parse, request)])]);
        }

        job.AddImages(folder, result);
        job.AddFiles(folder, result);
        RunRecord.Complete(record, parse, request, result);
        job.AddFacts(record);
        record[RunRecord.Results] = folder.Results;
        repeats?.Compare(record, report.Quiet(parse));
        record["seconds"] = Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3);
        var metadata = TraceFile.Metadata((string)record[RunRecord.Run]!);
        folder.Finish(
            record, row => RunRecord.Parameters(record, request, result, row),
            traceName is null ? null : (traceName, file => result.SaveTrace(file, metadata)));
        Report(folder, record, report.Json(parse), report.Quiet(parse));
        return ExitCode.Done;
    }

    /// <summary>Prints what a finished run wrote.</summary>
    public static void Report(ImageFolder folder, JsonObject record, bool json, bool quiet)
    {
        if (folder.Note is { } note)
            Console.Error.WriteLine(note);
        if (json)
            Console.Out.WriteLine(Json.Line(record));
        else if (!quiet)
            Console.Out.WriteLine(Summary(folder, (double)record["seconds"]!));
    }

    private static string Summary(ImageFolder folder, double seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{string.Join('\n', folder.Files.Select(RunFolder.Shortest))}\n{seconds:F1} s");
}
