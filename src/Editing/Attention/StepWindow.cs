using System.Globalization;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Editing.Attention;

/// <summary>A range of denoising steps, as fractions of the run from 0 to 1.</summary>
public readonly record struct StepWindow
{
    /// <summary>Creates a window from one fraction of the run to another.</summary>
    /// <param name="start">Fraction of the run where the window starts.</param>
    /// <param name="end">Fraction of the run where it ends, not before <paramref name="start"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The fractions do not satisfy 0 ≤ start ≤ end ≤ 1.</exception>
    public StepWindow(double start, double end)
    {
        if (!IsValid(start, end))
            throw new ArgumentOutOfRangeException(nameof(start), $"{start}..{end} is not a window between 0 and 1.");
        Start = start;
        End = end;
    }

    /// <summary>The whole run.</summary>
    public static StepWindow Always { get; } = new(0, 1);

    /// <summary>Default window of self-attention: the first 40 % of the steps.</summary>
    public static StepWindow Standard { get; } = Until(0.4);

    /// <summary>Fraction of the run where the window starts.</summary>
    public double Start { get; }

    /// <summary>Fraction of the run where the window ends.</summary>
    public double End { get; }

    /// <summary>The window from the first step to a fraction of the run.</summary>
    public static StepWindow Until(double end) => new(0, end);

    /// <summary>Parses <c>0.8</c> (the first 80 %) or <c>0.1..0.6</c>.</summary>
    /// <exception cref="InvalidInputException">The text is neither, or a number is not between 0 and 1.</exception>
    public static StepWindow Parse(string text)
    {
        var dots = text.IndexOf("..", StringComparison.Ordinal);
        var start = 0.0;
        if ((dots < 0 || TryParse(text.AsSpan(0, dots), out start))
            && TryParse(text.AsSpan(dots < 0 ? 0 : dots + 2), out var end) && IsValid(start, end))
            return new StepWindow(start, end);
        throw new InvalidInputException(
            $"\"{text}\" is not a range of steps. Write a fraction such as 0.8 or a range such as 0.1..0.6, between 0 and 1.");
    }

    /// <summary>
    /// Whether a step lies in the window of a run of <paramref name="count"/> steps. Both bounds are rounded down as in the authors' code:
    /// 0.29 of 100 steps, which is 28.999… in floating point, is 28.
    /// </summary>
    public bool Contains(int step, int count) => step >= (int)(Start * count) && step < (int)(End * count);

    /// <summary>The window in the format of <see cref="Parse"/>.</summary>
    public override string ToString() => Start == 0
        ? End.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Start}..{End}");

    private static bool IsValid(double start, double end) => start >= 0 && start <= end && end <= 1;

    private static bool TryParse(ReadOnlySpan<char> text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
}
