using System.Globalization;
using PromptToPrompt.Cli.Printing;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using Spectre.Console;

namespace PromptToPrompt.Cli.Runs;

/// <summary>Shows the progress of a run on standard error, if that is a terminal.</summary>
internal static class StepDisplay
{
    /// <summary>Runs <paramref name="work"/> on this thread.</summary>
    public static T Run<T>(bool quiet, Func<RunSteps?, T> work)
    {
        if (quiet || Console.IsErrorRedirected)
            return work(null);
        var result = default(T)!;
        StandardStreams.ForProgress()
            .Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context => result = work(new RunSteps(context.AddTask("starting"))));
        return result;
    }
}

/// <summary>Receives the progress that <see cref="StepDisplay"/> shows.</summary>
internal sealed class RunSteps(ProgressTask task) : IProgress<EditProgress>, IProgress<InversionProgress>
{
    private readonly TimeProvider clock = TimeProvider.System;
    private readonly long started = TimeProvider.System.GetTimestamp();

    public void Report(EditProgress value) => Show("step", value.Step, value.Steps, (long)value.Step * value.Rows);

    public void Report(InversionProgress value) => Show(value.Stage, value.Step, value.Steps, value.Rows, value.Loss is { } loss ? $", loss {Number(loss, "G3")}" : "");

    private void Show(string what, int step, int steps, long rows, string note = "")
    {
        task.MaxValue = steps;
        task.Value = step;
        task.Description = $"{what} {step}/{steps}{note}, {Number(rows / clock.GetElapsedTime(started).TotalSeconds, "F1")} rows/s";
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
