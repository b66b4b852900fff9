using System.Diagnostics;
using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Benchmarks;

/// <summary>
/// Peak memory of one edit. BenchmarkDotNet sees only managed memory, but tensors are native. Each implementation runs in a separate
/// process, so that memory retained by the allocator does not count for the other.
/// </summary>
internal static class MemoryRun
{
    public static int Execute(string path)
    {
        if (path is not ("fused" or "materialized"))
        {
            Console.Error.WriteLine($"\"{path}\" is not valid. Use memory fused or memory materialized.");
            return 2;
        }

        using var scenario = new EditScenario();
        var before = ResidentMemory.Current;
        var watch = Stopwatch.StartNew();
        (path == "fused" ? scenario.RunFused() : scenario.RunMaterialized()).Dispose();
        Console.WriteLine(FormattableString.Invariant(
            $"{path}: {watch.Elapsed.TotalSeconds:F2} s, peak {ResidentMemory.Peak / 1e6:F0} MB, {(ResidentMemory.Peak - before) / 1e6:F0} MB of it for the edit"));
        return 0;
    }
}
