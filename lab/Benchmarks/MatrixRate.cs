using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>The machine's rate of matrix products. Times are given relative to it, because machines differ.</summary>
internal static class MatrixRate
{
    private const int Side = 2048;
    private const int Repeats = 5;

    /// <summary>Operations per second of <see cref="ProcessorTime"/> in five 2048³ products, after one warm-up.</summary>
    public static double Measure(ScalarType dtype)
    {
        using var generator = new Generator(0, CPU);
        using var drawn = randn([Side, Side], generator: generator);
        using var matrix = drawn.to(dtype);
        matmul(matrix, matrix).Dispose();
        var start = ProcessorTime.Now;
        for (var i = 0; i < Repeats; i++)
            matmul(matrix, matrix).Dispose();
        return Repeats * 2 * Math.Pow(Side, 3) / (ProcessorTime.Now - start);
    }
}
