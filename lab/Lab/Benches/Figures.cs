using System.Globalization;

namespace PromptToPrompt.Lab.Benches;

/// <summary>How measured numbers are written.</summary>
internal static class Figures
{
    /// <summary>For a person: a dash where nothing was measured.</summary>
    public static string Shown(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    /// <summary>For a program: no more digits than mean something.</summary>
    public static double? Rounded(double? value) => value is { } number ? Math.Round(number, 4) : null;
}
