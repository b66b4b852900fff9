namespace PromptToPrompt.Benchmarks;

/// <summary>
/// Seconds that the process's threads have computed, all together. Where other processes take turns on the cores it stays comparable, and
/// elapsed time does not.
/// </summary>
internal static class ProcessorTime
{
    public static double Now => Environment.CpuUsage.TotalTime.TotalSeconds;
}
