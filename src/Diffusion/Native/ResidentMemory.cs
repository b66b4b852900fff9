using System.Globalization;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>The process's memory in bytes as reported by Linux, for measurements.</summary>
internal static class ResidentMemory
{
    private const string Status = "/proc/self/status";

    /// <summary>Whether the system reports it.</summary>
    public static bool IsKnown => File.Exists(Status);

    /// <summary>Current memory of the process in bytes.</summary>
    public static long Current => Read("VmRSS:");

    /// <summary>Peak memory in bytes since the start of the process, or since <see cref="ForgetPeak"/>.</summary>
    public static long Peak => Read("VmHWM:");

    /// <summary>Resets <see cref="Peak"/> to the current value.</summary>
    public static void ForgetPeak() => File.WriteAllText("/proc/self/clear_refs", "5");

    private static long Read(string field)
    {
        var line = File.ReadLines(Status).First(l => l.StartsWith(field, StringComparison.Ordinal));
        return 1024 * long.Parse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }
}
