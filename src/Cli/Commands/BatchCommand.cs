using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Cli.Clusters;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p batch</c>: makes the data set of a plan.</summary>
internal static class BatchCommand
{
    public static Command Create(CancellationToken cancellationToken)
    {
        var command = new Command("batch", "Make a data set of edits from a plan. Run it again to resume").In(HelpGroup.Images);
        var input = new BatchInput().AddTo(command);
        var cluster = new ClusterOption("Let the workers of a cluster make the data set", isRequired: false).AddTo(command);
        var detach = new Option<bool>("--detach") { Description = "With --cluster: register the run and do not wait for it" };
        command.Add(detach);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var started = TimeProvider.System.GetTimestamp();
            var quiet = report.Quiet(parse);
            var request = input.Read(parse);
            request.Validate();
            BatchRun.RequireFits(request, input.Model.LoadConfig(parse));
            if (BatchRun.Check(request, input.Model.LoadTokenizer(parse)) is [var first, ..] truncated)
                Console.Error.WriteLine($"warning: prompts with more tokens than the model reads are cut off (--long-prompts reads more). Items: {truncated.Count}, the first in line {first.Line}");
            if (request.SingleSamples.ToList() is [var single, ..] singles)
                Console.Error.WriteLine($"note: images without ranges get one sample, because all would be equal. Items: {singles.Count}, the first in line {single.Line}");
            if (input.Options.LacksFilters(parse))
                Console.Error.WriteLine("warning: without --clip, the filters of the preset do not apply and all samples are kept");
            RunFolder.RequireWritable(request);
            // A place that cannot be reached is an error before the model is loaded.
            request.Place.Fetch(cancellationToken);
            InvalidInputException.Require(cluster.IsGiven(parse) || !parse.GetValue(detach), detach.Name, "It concerns runs of a cluster.", "Add --cluster, or leave it out.");
            var outcome = cluster.IsGiven(parse)
                ? OnCluster(parse, cluster, detach, request, quiet, cancellationToken).GetAwaiter().GetResult()
                : Here(parse, input, request, quiet, cancellationToken);
            if (outcome.Done is not { } done)
                return outcome.Code;
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(Facts(done, request, TimeProvider.System.GetElapsedTime(started))));
            else if (!quiet)
                Console.Out.WriteLine(Summary(done, request, TimeProvider.System.GetElapsedTime(started)));
            if (done.Failed == 0)
                return outcome.Code;
            Console.Error.WriteLine($"{(outcome.NewlyFailed > 0 ? "p2p" : "note")}: {done.Failed} of {done.Total} items failed; the files *.failed.jsonl in {Shown(request)} say why. To try them again, delete the .json file of their shard and run the same command again, which makes the whole shard again.");
            return outcome.NewlyFailed > 0 ? ExitCode.Failed : outcome.Code;
        });
        return command;
    }

    private static Outcome Here(ParseResult parse, BatchInput input, BatchRequest request, bool quiet, CancellationToken cancellationToken)
    {
        // Before any model is loaded, whose part of the manifest is compared later.
        RunManifest.RequireFits(request.Folder, request.Manifest(model: null), request.Place);
        GivenImages.RequireExist(request);
        GivenImages.RequireSame(request);
        // Models of filters are opened first: they are quickly refused.
        var filters = input.Options.OpenFilters(parse, input.Model.Device(parse));
        try
        {
            using var loaded = input.Model.Load(parse, request.Demand);
            input.Model.Announce(parse, loaded.Device, quiet);
            var run = new BatchRun(loaded, request with { Filters = filters }) { HasComparedImages = true };
            try
            {
                return new Outcome(LongRun.Show(quiet, display => run.Execute(new Display(display), cancellationToken)), run.NewlyFailed);
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine($"p2p: Stopped. {run.Progress.Items} of {run.Progress.Total} items are finished. Run the same command again to resume.");
                return new Outcome(null, Code: ExitCode.Interrupted);
            }
        }
        finally
        {
            foreach (var filter in filters)
                filter.Dispose();
        }
    }

    private static async Task<Outcome> OnCluster(ParseResult parse, ClusterOption cluster, Option<bool> detach, BatchRequest request, bool quiet, CancellationToken cancellationToken)
    {
        InvalidInputException.Require(request.Partitions == 1, "--partitions", "A cluster divides the shards among its workers.", "Leave it out.");
        await using var link = await ClusterLink.Open(cluster.Read(parse), quiet ? null : line => Console.Error.WriteLine($"note: {line}"), cancellationToken);
        var (run, status) = await ClusterRun.Submit(
            link, parse, request, [cluster.Name, detach.Name, "--output", "--device", "--quiet", "--json", "--partition", "--partitions"], cancellationToken);
        if (!quiet)
            Console.Error.WriteLine($"run: {run.Id}");
        if (parse.GetValue(detach))
        {
            Console.Error.WriteLine($"The run {run.Id} is registered. Watch it with the same command without --detach, or with `p2p runs --cluster CONNECTION`.");
            return new Outcome(null);
        }

        var failedBefore = status.Done.Failed;
        try
        {
            status = LongRun.Show(quiet, display => run.Watch(status, display, line => Console.Error.WriteLine($"warning: {line}"), cancellationToken).GetAwaiter().GetResult());
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"p2p: The run {run.Id} stays registered for the workers of the cluster. Watch it again with the same command, or end it with `p2p runs cancel {run.Id} --cluster CONNECTION`.");
            return new Outcome(null, Code: ExitCode.Interrupted);
        }

        if (status.State == RunState.Cancelled)
        {
            Console.Error.WriteLine($"p2p: The run was cancelled. {status.Done.Items} of {status.Run.Items} items are finished. Run the same command again to resume.");
            return new Outcome(null, Code: ExitCode.Failed);
        }

        foreach (var shard in status.FailedShards)
            Console.Error.WriteLine($"p2p: After {shard.Attempts} attempts, {status.Run.NameOf(shard.Shard)} was given up: {shard.Problem} Run the same command again to try it again.");
        var done = status.Done;
        return new Outcome(
            new BatchProgress((int)done.Items, status.Run.Items, (int)done.Made, (int)done.Kept, (int)done.Failed),
            (int)(done.Failed - failedBefore),
            status.State == RunState.Complete ? ExitCode.Done : ExitCode.Failed);
    }

    private static JsonObject Facts(BatchProgress done, BatchRequest request, TimeSpan elapsed) => new()
    {
        ["command"] = "batch",
        ["folder"] = request.Place.Name,
        ["items"] = done.Items,
        ["failed"] = done.Failed,
        ["made"] = done.Made,
        ["kept"] = done.Kept,
        ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
    };

    private static string Shown(BatchRequest request) => request.Place is FolderPlace ? RunFolder.Shortest(request.Folder) : request.Place.Name;

    private static string Summary(BatchProgress done, BatchRequest request, TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture, $"{Shown(request)}\n{done.Items} {(done.Items == 1 ? "item" : "items")}, {done.Kept} of {done.Made} pairs kept\n{elapsed.TotalSeconds:F1} s");

    // How a run went; without progress, there is nothing to report.
    private readonly record struct Outcome(BatchProgress? Done, int NewlyFailed = 0, int Code = ExitCode.Done);

    private sealed class Display(IProgress<LongProgress> shown) : IProgress<BatchProgress>
    {
        public void Report(BatchProgress value) => shown.Report(new("batch", value.Items, value.Total, "items", Note(value)));

        private static string Note(BatchProgress value) => value.Elsewhere > 0 ? $"waiting for shards of other processes: {value.Elsewhere}" : value.Items == 0 ? "" : string.Create(
            CultureInfo.InvariantCulture, $"{(value.Made == 0 ? 0 : 100.0 * value.Kept / value.Made):F0} % of the pairs kept{(value.Failed > 0 ? $", {value.Failed} failed" : "")}");
    }
}
