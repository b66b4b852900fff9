using System.CommandLine;
using System.Globalization;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Printing;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Diffusion;
using Spectre.Console;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p runs</c>: lists, cancels and resumes the runs of a cluster.</summary>
internal static class RunsCommand
{
    // A coordinator that takes over from a dead one needs about half of this time.
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);

    public static Command Create(CancellationToken cancellationToken)
    {
        var cluster = new ClusterOption("The cluster", isRequired: true);
        var command = new Command("runs", "List the runs and workers of a cluster").In(HelpGroup.Cluster);
        cluster.AddTo(command);
        var report = new ReportOptions().AddJsonTo(command);
        command.Add(Change("cancel", "Cancel a run. Finished items and shards stay", cluster, isOpen: false, cancellationToken));
        command.Add(Change("resume", "Resume a run that was cancelled, and try shards again that were given up", cluster, isOpen: true, cancellationToken));
        command.SetAction(parse =>
        {
            var view = Ask(cluster.Read(parse), ClusterView.Of, cancellationToken).GetAwaiter().GetResult();
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(view.ToJson()));
            else
                Print(view);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Change(string name, string description, ClusterOption cluster, bool isOpen, CancellationToken cancellationToken)
    {
        var id = new Argument<string>("id") { Description = "Name of the run" };
        var command = new Command(name, description) { id };
        cluster.AddTo(command);
        command.SetAction(parse =>
        {
            var run = parse.GetValue(id)!;
            var status = Ask(cluster.Read(parse), Changed, cancellationToken).GetAwaiter().GetResult();
            InvalidInputException.Require(status is not null, $"There is no run \"{run}\". `p2p runs --cluster CONNECTION` lists them.");
            Console.Out.WriteLine($"{run}: {status!.State.ToString().ToLowerInvariant()}, {status.Done.Items} of {status.Run.Items} items");
            return ExitCode.Done;

            async Task<RunStatus?> Changed(IGrainFactory grains)
            {
                var its = grains.GetGrain<IRun>(run);
                return await (isOpen ? its.Resume() : its.Cancel()) ? await its.Status() : null;
            }
        });
        return command;
    }

    private static async Task<T> Ask<T>(ClusterAddress address, Func<IGrainFactory, Task<T>> call, CancellationToken cancellationToken)
    {
        await using var link = await ClusterLink.Open(address, line => Console.Error.WriteLine($"note: {line}"), cancellationToken);
        return await link.CallWithin(call, AnswerLimit, cancellationToken);
    }

    private static void Print(ClusterView view)
    {
        if (view.Runs.Count > 0)
        {
            var runs = new Table().AddColumns("run", "state", "items", "rate", "kept", "failed", "left", "workers");
            foreach (var run in view.Runs)
            {
                Add(runs, run.Run.Id, run.State.ToString().ToLowerInvariant(), $"{run.Done.Items} of {run.Run.Items}", Rate(run.Rate), Share(run.Done), $"{run.Done.Failed}", Left(run.SecondsLeft), $"{run.Leases.Length}");
            }

            foreach (var column in runs.Columns)
                column.NoWrap();
            AnsiConsole.Write(runs);
        }

        if (view.Workers.Count > 0)
        {
            var workers = new Table().AddColumns("worker", "device", "run", "shard", "items", "last report");
            foreach (var worker in view.Workers)
                Add(workers, worker.Id, worker.Device, worker.Run ?? "", $"{worker.Shard}", $"{worker.Items}", string.Create(CultureInfo.InvariantCulture, $"{worker.SecondsSinceReport:F0} s ago"));
            AnsiConsole.Write(workers);
        }

        foreach (var run in view.Runs)
        {
            foreach (var shard in run.FailedShards)
                Console.Out.WriteLine(Printable.Line($"{run.Run.Id}: {run.Run.NameOf(shard.Shard)} was given up after {shard.Attempts} attempts: {shard.Problem}"));
            foreach (var refusal in run.Refusals)
                Console.Out.WriteLine(Printable.Line($"{run.Run.Id}: the worker {refusal.Worker} cannot make this run: {refusal.Problem}"));
            if (run is { State: RunState.Open, LastProblem: { } problem })
                Console.Out.WriteLine(Printable.Line($"{run.Run.Id}: a shard is tried again: {problem}"));
        }

        if (view.Runs.Count == 0)
            Console.Out.WriteLine("No runs. Register one with `p2p batch PLAN --cluster CONNECTION`.");
        if (view.Workers.Count == 0)
            Console.Out.WriteLine("No workers. Start one with `p2p worker --cluster CONNECTION`.");
    }

    private static void Add(Table table, params string[] cells) => table.AddRow([.. cells.Select(cell => Markup.Escape(Printable.Cell(cell)))]);

    private static string Rate(double rate) => rate > 0 ? string.Create(CultureInfo.InvariantCulture, $"{rate:0.##}/s") : "";

    private static string Share(Counts done) => done.Made == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{100.0 * done.Kept / done.Made:F0} %");

    private static string Left(double? seconds) => seconds is { } left ? LongRun.Duration(left) : "";
}
