using System.Globalization;

namespace PromptToPrompt.Studio.Pages;

/// <summary>Sizes of files for people.</summary>
internal static class ByteCount
{
    /// <summary>A size in the unit that leaves one to three digits before the point: <c>3.4 GB</c>.</summary>
    public static string Text(long bytes) => bytes switch
    {
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(bytes / 1e3)} kB"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:F1} GB"),
    };
}
