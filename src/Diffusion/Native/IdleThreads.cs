using System.Runtime.InteropServices;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Makes idle compute threads sleep early. By default, OpenMP threads spin for milliseconds, which gains little on an idle machine and
/// costs half of the time or more on a busy one, where they keep each other off the cores.
/// </summary>
internal static partial class IdleThreads
{
    private const string SpinCount = "GOMP_SPINCOUNT";
    private const string Turns = "2000";

    /// <summary>
    /// Configures OpenMP for this process, unless the user has set a wait policy. Effective only before libtorch is loaded.
    /// </summary>
    public static void Sleep()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is { Length: > 0 })
            return;
        // .NET has its own copy of the environment; OpenMP reads the C library's.
        _ = SetEnvironment(SpinCount, Turns, overwrite: 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
