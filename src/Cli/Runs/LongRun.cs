using System.Globalization;
using PromptToPrompt.Cli.Printing;
using Spectre.Console;

namespace PromptToPrompt.Cli.Runs;

/// <summary>Progress of one part of a long run.</summary>
/// <param name="Part">Name of the part, for instance a training stage.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in total.</param>
/// <param name="Unit">Name of the unit, in the plural.</param>
/// <param name="Note">A note to show; may be empty.</param>
/// <param name="IsWaiting">Whether the run is waiting and the note says why.</param>
internal readonly record struct LongProgress(string Part, long Done, long Total, string Unit, string Note = "", bool IsWaiting = false)
{
    /// <summary>The unit for bytes, which are shown as KB, MB and so on.</summary>
    public const string Bytes = "bytes";
}

/// <summary>Shows a run of minutes or hours on standard error: a live bar on a terminal, occasional lines in a file.</summary>
internal sealed class LongRun : IProgress<LongProgress>
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(15);
    private readonly TimeProvider clock = TimeProvider.System;
    private readonly ProgressContext? context;
    private readonly bool lines;
    private ProgressTask? bar;
    private string? part;
    private long firstDone;
    private long started;
    private long? written;

    private LongRun(ProgressContext? context, bool lines) => (this.context, this.lines) = (context, lines);

    /// <summary>Runs <paramref name="work"/> on this thread.</summary>
    public static T Show<T>(bool quiet, Func<IProgress<LongProgress>, T> work)
    {
        if (quiet || Console.IsErrorRedirected)
            return work(new LongRun(context: null, lines: !quiet));
        var result = default(T)!;
        StandardStreams.ForProgress()
            .Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .Start(context => result = work(new LongRun(context, lines: false)));
        return result;
    }

    /// <inheritdoc/>
    public void Report(LongProgress value)
    {
        if (value.Part != part)
        {
            // Measure the speed of this process only: a resumed part did not start at 0.
            (part, firstDone, started, written) = (value.Part, value.Done, clock.GetTimestamp(), null);
            bar?.StopTask();
            bar = context?.AddTask(Markup.Escape(Printable.Cell(value.Part)), maxValue: value.Total);
        }

        if (bar is not null)
        {
            bar.MaxValue = value.Total;
            bar.Value = value.Done;
            bar.Description = Markup.Escape(Printable.Line(Text(value)));
        }

        if (lines && (value.IsWaiting || value.Done >= value.Total || written is not { } last || clock.GetElapsedTime(last) >= BetweenLines))
        {
            written = clock.GetTimestamp();
            Console.Error.WriteLine(Text(value));
        }
    }

    private string Text(LongProgress value)
    {
        var seconds = clock.GetElapsedTime(started).TotalSeconds;
        var rate = (value.Done - firstDone) / seconds;
        var left = value.Done < value.Total && rate > 0
            ? string.Create(CultureInfo.InvariantCulture, $", {Speed(rate, value.Unit)}, {Duration((value.Total - value.Done) / rate)} left")
            : "";
        var note = value.Note.Length > 0 ? $", {value.Note}" : "";
        var done = value.Unit == LongProgress.Bytes
            ? $"{FileSize.Text(value.Done)} of {FileSize.Text(value.Total)}"
            : string.Create(CultureInfo.InvariantCulture, $"{value.Done} of {value.Total} {value.Unit}");
        return value.Total > 0 ? $"{value.Part}: {done}{left}{note}" : $"{value.Part}: {value.Note}";
    }

    private static string Speed(double rate, string unit) =>
        unit == LongProgress.Bytes ? $"{FileSize.Text((long)rate)} a second"
        : rate >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{rate:F1} a second") : string.Create(CultureInfo.InvariantCulture, $"{1 / rate:F1} s each");

    /// <summary>A time in the unit that suits it.</summary>
    public static string Duration(double seconds) => seconds switch
    {
        < 100 => string.Create(CultureInfo.InvariantCulture, $"{seconds:F0} s"),
        < 6000 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:F0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:F1} h"),
    };
}
