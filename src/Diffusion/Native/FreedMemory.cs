using System.Runtime.InteropServices;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Keeps freed tensors' memory in the process. glibc gives back blocks above 32 MB at once, and the next layer's feature map of the same size is
/// then paid for again, page by page: a tenth of the time of a full-size U-Net.
/// </summary>
internal static partial class FreedMemory
{
    // mallopt's names for: the size from which a block is mapped by itself, and how much free memory at the heap's end is given back.
    private const int MapThreshold = -3;
    private const int TrimThreshold = -1;
    private const int OneGigabyte = 1 << 30;

    private static bool isKept;

    /// <summary>Sets glibc's allocator, for the process; nothing elsewhere, and nothing where the user has set it.</summary>
    public static void Keep()
    {
        if (!OperatingSystem.IsLinux() || IsSet("GLIBC_TUNABLES") || IsSet("MALLOC_MMAP_THRESHOLD_") || IsSet("MALLOC_TRIM_THRESHOLD_"))
            return;
        // Another C library has no such function, and an older glibc refuses so high a threshold: both cost time and nothing else.
        if (!NativeLibrary.TryLoad("libc.so.6", out var library) || !NativeLibrary.TryGetExport(library, "mallopt", out _))
            return;
        _ = SetOption(MapThreshold, OneGigabyte);
        _ = SetOption(TrimThreshold, OneGigabyte);
        isKept = true;
    }

    /// <summary>
    /// Gives back what was kept. For the change from one part of a model to another, whose feature maps are of other sizes and would be laid beside
    /// the holes that the first ones left.
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
