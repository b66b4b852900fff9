using System.Runtime.InteropServices;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Keeps freed tensor memory in the process. By default, glibc returns blocks above 32 MB to the system immediately, so the next feature
/// map of the same size must be paged in again. This costs a tenth of the time of a full-size U-Net.
/// </summary>
internal static partial class FreedMemory
{
    // mallopt constants: the minimum size of separately mapped blocks, and the free memory at the heap's end above which it is returned.
    private const int MapThreshold = -3;
    private const int TrimThreshold = -1;
    private const int OneGigabyte = 1 << 30;

    private static bool isKept;

    /// <summary>Configures glibc's allocator for the process. Does nothing on other systems, or if the user has configured it.</summary>
    public static void Keep()
    {
        if (!OperatingSystem.IsLinux() || IsSet("GLIBC_TUNABLES") || IsSet("MALLOC_MMAP_THRESHOLD_") || IsSet("MALLOC_TRIM_THRESHOLD_"))
            return;
        // Other C libraries lack this function, and older glibc versions reject so high a threshold: both only cost time.
        if (!NativeLibrary.TryLoad("libc.so.6", out var library) || !NativeLibrary.TryGetExport(library, "mallopt", out _))
            return;
        _ = SetOption(MapThreshold, OneGigabyte);
        _ = SetOption(TrimThreshold, OneGigabyte);
        isKept = true;
    }

    /// <summary>
    /// Returns the kept memory to the system. Used between two parts of a model: their feature maps have different sizes, so the second
    /// part could not reuse the holes left by the first.
    /// </summary>
    public static void GiveBack()
    {
        if (isKept)
            _ = Trim(0);
    }

    private static bool IsSet(string variable) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable));

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int SetOption(int option, int value);

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint kept);
}
