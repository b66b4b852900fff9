namespace PromptToPrompt.Metrics.Tests;

/// <summary>The memory of this process, on Linux.</summary>
internal static class ProcessMemory
{
    /// <summary>Starts the measurement of a peak.</summary>
    /// <param name="megabytes">The memory in use now.</param>
    /// <returns>Whether it can be measured.</returns>
    public static bool TryResetPeak(out long megabytes)
    {
        megabytes = 0;
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
            megabytes = PeakMegabytes();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The largest memory in use since then.</summary>
    public static long PeakMegabytes() =>
        long.Parse(File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2]) >> 10;
}
