using System.Globalization;

namespace PromptToPrompt.Benchmarks;

/// <summary>The process's resident memory as Linux counts it, in bytes.</summary>
internal static class ResidentMemory
{
    /// <summary>Now.</summary>
    public static long Current => Read("VmRSS:");

    /// <summary>The most there was since the start of the process.</summary>
    public static long Peak => Read("VmHWM:");

    private static long Read(string field)
    {
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith(field, StringComparison.Ordinal));
        return 1024 * long.Parse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }
}
