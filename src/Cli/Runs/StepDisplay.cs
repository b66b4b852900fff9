using System.Globalization;
using PromptToPrompt.Editing.Sessions;
using Spectre.Console;

namespace PromptToPrompt.Cli.Runs;

/// <summary>Shows the steps of a run while it goes on: on standard error, and only to a person.</summary>
internal static class StepDisplay
{
    /// <summary>Runs <paramref name="work"/> on this thread.</summary>
    public static T Run<T>(bool quiet, Func<IProgress<EditProgress>?, T> work)
    {
        if (quiet || Console.IsErrorRedirected)
            return work(null);
        var result = default(T)!;
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) })
            .Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context => result = work(new Steps(context.AddTask("starting"))));
        return result;
    }

    private sealed class Steps(ProgressTask task) : IProgress<EditProgress>
    {
        private readonly TimeProvider clock = TimeProvider.System;
        private readonly long started = TimeProvider.System.GetTimestamp();

        public void Report(EditProgress value)
        {
            var rate = value.Step * value.Rows / clock.GetElapsedTime(started).TotalSeconds;
            task.MaxValue = value.Steps;
            task.Value = value.Step;
            task.Description = string.Create(CultureInfo.InvariantCulture, $"step {value.Step}/{value.Steps}, {rate:F1} rows/s");
        }
    }
}
