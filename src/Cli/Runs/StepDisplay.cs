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
            .Start(context => result = work(new RunSteps(context.AddTask("starting"), TimeProvider.System)));
        return result;
    }
}

/// <summary>Receives the progress that <see cref="StepDisplay"/> shows.</summary>
/// <param name="task">The displayed task.</param>
/// <param name="clock">Measures the time; it begins now.</param>
internal sealed class RunSteps(ProgressTask task, TimeProvider clock) : IProgress<EditProgress>, IProgress<InversionProgress>
{
    private readonly long started = clock.GetTimestamp();
    private long rows;

    public void Report(EditProgress value)
    {
        rows += value.Rows;
        Show("step", value.Step, value.Steps, rows);
    }

    public void Report(InversionProgress value) => Show(value.Stage, value.Step, value.Steps, value.Rows, value.Loss is { } loss ? $", loss {Number(loss, "G3")}" : "");

    private void Show(string what, int step, int steps, long done, string note = "")
    {
        task.MaxValue = steps;
        task.Value = step;
        task.Description = $"{what} {step}/{steps}{note}, {Number(done / clock.GetElapsedTime(started).TotalSeconds, "F1")} rows/s";
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
