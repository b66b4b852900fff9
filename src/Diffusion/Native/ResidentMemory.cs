using System.Globalization;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>The process's memory as Linux counts it, in bytes; for measurements.</summary>
internal static class ResidentMemory
{
    private const string Status = "/proc/self/status";

    /// <summary>Whether this system tells.</summary>
    public static bool IsKnown => File.Exists(Status);

    /// <summary>What the process holds now.</summary>
    public static long Current => Read("VmRSS:");

    /// <summary>The most it held since its start, or since <see cref="ForgetPeak"/>.</summary>
    public static long Peak => Read("VmHWM:");

    /// <summary>Lets <see cref="Peak"/> begin anew at what is held now.</summary>
    public static void ForgetPeak() => File.WriteAllText("/proc/self/clear_refs", "5");

    private static long Read(string field)
    {
        var line = File.ReadLines(Status).First(l => l.StartsWith(field, StringComparison.Ordinal));
        return 1024 * long.Parse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }
}
