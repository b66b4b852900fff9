using System.Runtime.InteropServices;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Lets the compute threads sleep soon when they have nothing to do. OpenMP's wait in a loop for milliseconds instead, which gains little on
/// an idle machine and costs half of the time or more on a busy one, where they keep each other off the cores.
/// </summary>
internal static partial class IdleThreads
{
    private const string SpinCount = "GOMP_SPINCOUNT";
    private const string Turns = "2000";

    /// <summary>Tells OpenMP, for this process; nothing where the user has said how threads wait. Has an effect before libtorch is loaded only.</summary>
    public static void Sleep()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is { Length: > 0 })
            return;
        // .NET keeps a copy of the environment of its own; OpenMP reads the C library's.
        _ = SetEnvironment(SpinCount, Turns, overwrite: 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
