using System.Runtime;

namespace PromptToPrompt.Studio.Engine;

/// <summary>Frees the pixels of decoded photographs.</summary>
internal static class LargeArrays
{
    private const long MinAllocated = 64L << 20;

    private const long LargePixels = 1 << 22;

    private static long allocatedBefore;

    /// <summary>Whether a picture is large enough for <see cref="Collect"/>.</summary>
    public static bool AreOf(int width, int height) => (long)width * height > LargePixels;

    /// <summary>
    /// Collects arrays that are no longer used, if many were allocated since the last time. Arrays of this size are freed by a full collection only, which would
    /// often come after several more pictures.
    /// </summary>
    public static void Collect()
    {
        var now = GC.GetTotalAllocatedBytes();
        if (now - Interlocked.Read(ref allocatedBefore) < MinAllocated)
            return;
        Interlocked.Exchange(ref allocatedBefore, now);
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
