using System.Globalization;
using PromptToPrompt.Editing.Attention;

namespace PromptToPrompt.Studio.Pages;

/// <summary>A part of the run as two whole percentages, as in the bars.</summary>
internal readonly record struct StepRange(int Start, int End)
{
    public static StepRange Parse(string text)
    {
        var window = StepWindow.Parse(text);
        return new((int)Math.Round(window.Start * 100), (int)Math.Round(window.End * 100));
    }

    public StepRange WithStart(int start) => new(Math.Clamp(start, 0, End), End);

    public StepRange WithEnd(int end) => new(Start, Math.Clamp(end, Start, 100));

    public override string ToString() => Start == 0
        ? (End / 100.0).ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Start / 100.0}..{End / 100.0}");
}
