using System.Globalization;

namespace PromptToPrompt.Lab.Benches;

/// <summary>Formats measured numbers.</summary>
internal static class Figures
{
    /// <summary>For display: a dash if there is no value.</summary>
    public static string Shown(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    /// <summary>For JSON: rounded to the significant digits.</summary>
    public static double? Rounded(double? value) => value is { } number ? Math.Round(number, 4) : null;
}
