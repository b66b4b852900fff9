using System.Globalization;

namespace PromptToPrompt.Studio.Pages;

/// <summary>How fast a job runs its steps, and thus how long the rest of its stage takes.</summary>
/// <param name="clock">The clock.</param>
internal sealed class Pace(TimeProvider clock)
{
    // The first step of a stage is slower than the others.
    private const int LeastSteps = 3;

    private (string Stage, int Step, long At)? first;

    /// <summary>A time left as text; empty if it is unknown.</summary>
    public static string Text(double? seconds) => seconds switch
    {
        null => "",
        < 90 => string.Create(CultureInfo.InvariantCulture, $"about {Math.Ceiling(seconds.Value)} s left"),
        < 90 * 60 => string.Create(CultureInfo.InvariantCulture, $"about {Math.Ceiling(seconds.Value / 60)} min left"),
        _ => string.Create(CultureInfo.InvariantCulture, $"about {Math.Ceiling(seconds.Value / 3600)} h left"),
    };

    /// <summary>Notes a step and estimates the time until the stage's last; null as long as too little is known.</summary>
    public TimeSpan? Left(string stage, int step, int steps)
    {
        if (first is not { } begin || begin.Stage != stage || step < begin.Step)
        {
            if (step == 0)
                return null;
            first = begin = (stage, step, clock.GetTimestamp());
        }

        var done = step - begin.Step;
        return done < LeastSteps ? null : clock.GetElapsedTime(begin.At) / done * (steps - step);
    }
}
