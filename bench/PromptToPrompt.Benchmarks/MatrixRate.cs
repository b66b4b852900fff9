using System.Diagnostics;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>What the machine does in matrix products; times are given relative to it, since machines differ.</summary>
internal static class MatrixRate
{
    private const int Side = 2048;
    private const int Repeats = 5;

    /// <summary>Operations per second of a 2048³ product, the median of five after one to warm up.</summary>
    public static double Measure(ScalarType dtype)
    {
        using var generator = new Generator(0, CPU);
        using var drawn = randn([Side, Side], generator: generator);
        using var matrix = drawn.to(dtype);
        matmul(matrix, matrix).Dispose();
        var seconds = new double[Repeats];
        for (var i = 0; i < Repeats; i++)
        {
            var watch = Stopwatch.StartNew();
            matmul(matrix, matrix).Dispose();
            seconds[i] = watch.Elapsed.TotalSeconds;
        }

        Array.Sort(seconds);
        return 2 * Math.Pow(Side, 3) / seconds[Repeats / 2];
    }
}
