using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p batch</c>: makes the data set of a plan.</summary>
internal static class BatchCommand
{
    public static Command Create(CancellationToken cancellationToken)
    {
        var plan = new Argument<string>("plan") { Description = "Plan in JSON Lines or CSV: a source prompt and its targets in each line" };
        var command = new Command("batch", "Make a data set of edits from a plan. Run it again to resume") { plan }.In(HelpGroup.Images);
        var options = new BatchOptions().AddTo(command);
        var model = new ModelOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var started = TimeProvider.System.GetTimestamp();
            var quiet = report.Quiet(parse);
            var request = options.Read(parse, BatchPlan.Read(parse.GetValue(plan)!));
            if (BatchRun.Check(request, model.LoadTokenizer(parse)) is [var first, ..] truncated)
                Console.Error.WriteLine($"warning: prompts with more tokens than the model reads are cut off (--long-prompts reads more). Items: {truncated.Count}, the first in line {first.Line}");
            if (request.SingleSamples.ToList() is [var single, ..] singles)
                Console.Error.WriteLine($"note: images without ranges get one sample, because all would be equal. Items: {singles.Count}, the first in line {single.Line}");
            if (options.LacksFilters(parse))
                Console.Error.WriteLine("warning: without --clip, the filters of the preset do not apply and all samples are kept");
            RunFolder.RequireWritable(request.Folder, request.Folder);
            BatchProgress done;
            int newlyFailed;
            // Models of filters are opened first: they are quickly refused.
            var filters = options.OpenFilters(parse);
            try
            {
                using var loaded = model.Load(parse, request.Demand);
                model.Announce(parse, loaded.Device, quiet);
                var run = new BatchRun(loaded, request with { Filters = filters });
                try
                {
                    done = LongRun.Show(quiet, display => run.Execute(new Display(display), cancellationToken));
                    newlyFailed = run.NewlyFailed;
                }
                catch (OperationCanceledException)
                {
                    Console.Error.WriteLine($"p2p: Stopped. {run.Progress.Items} of {run.Progress.Total} items are finished. Run the same command again to resume.");
                    return ExitCode.Interrupted;
                }
            }
            finally
            {
                foreach (var filter in filters)
                    filter.Dispose();
            }

            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(Facts(done, request, TimeProvider.System.GetElapsedTime(started))));
            else if (!quiet)
                Console.Out.WriteLine(Summary(done, request, TimeProvider.System.GetElapsedTime(started)));
            if (done.Failed == 0)
                return ExitCode.Done;
            Console.Error.WriteLine($"{(newlyFailed > 0 ? "p2p" : "note")}: {done.Failed} of {done.Total} items failed; the files *.failed.jsonl in {RunFolder.Shortest(request.Folder)} say why. To try them again, delete the .json file of their shard and run the same command again.");
            return newlyFailed > 0 ? ExitCode.Failed : ExitCode.Done;
        });
        return command;
    }

    private static JsonObject Facts(BatchProgress done, BatchRequest request, TimeSpan elapsed) => new()
    {
        ["command"] = "batch",
        ["folder"] = request.Folder,
        ["items"] = done.Items,
        ["failed"] = done.Failed,
        ["made"] = done.Made,
        ["kept"] = done.Kept,
        ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
    };

    private static string Summary(BatchProgress done, BatchRequest request, TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture, $"{RunFolder.Shortest(request.Folder)}\n{done.Items} {(done.Items == 1 ? "item" : "items")}, {done.Kept} of {done.Made} pairs kept\n{elapsed.TotalSeconds:F1} s");

    private sealed class Display(IProgress<LongProgress> shown) : IProgress<BatchProgress>
    {
        public void Report(BatchProgress value) => shown.Report(new("batch", value.Items, value.Total, "items", Note(value)));

        private static string Note(BatchProgress value) => value.Elsewhere > 0 ? $"waiting for shards of other processes: {value.Elsewhere}" : value.Items == 0 ? "" : string.Create(
            CultureInfo.InvariantCulture, $"{(value.Made == 0 ? 0 : 100.0 * value.Kept / value.Made):F0} % of the pairs kept{(value.Failed > 0 ? $", {value.Failed} failed" : "")}");
    }
}
