namespace PromptToPrompt.Benchmarks;

/// <summary>
/// Total CPU seconds of all threads of the process. Unlike elapsed time, it stays comparable when other processes share the cores.
/// </summary>
internal static class ProcessorTime
{
    public static double Now => Environment.CpuUsage.TotalTime.TotalSeconds;
}
