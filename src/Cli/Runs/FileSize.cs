using System.Globalization;

namespace PromptToPrompt.Cli.Runs;

/// <summary>File sizes as text.</summary>
internal static class FileSize
{
    private const double Step = 1024;
    private static readonly string[] Units = ["bytes", "KB", "MB", "GB", "TB"];

    public static string Text(long bytes)
    {
        var (size, unit) = ((double)bytes, 0);
        for (; size >= Step && unit < Units.Length - 1; unit++)
            size /= Step;
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Round(size, 1)} {Units[unit]}");
    }
}
