using PromptToPrompt.Diffusion.Common;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>
/// The machine's best rate of arithmetic: that of a matrix product or of a 3×3 convolution of the U-Net's finest level, whichever is higher. Different
/// libraries compute them (MKL and oneDNN). Times are given relative to it, because machines differ. The convolution is one without padding, which is
/// always computed directly.
/// </summary>
internal static class MachineRate
{
    private const int Side = 2048;
    private const int Channels = 320, Map = 64, Inner = Map - 2, Rows = 2, Kernel = 3 * 3;
    private const int Repeats = 5;

    /// <summary>Operations per second of <see cref="ProcessorTime"/>, after one warm-up.</summary>
    public static double Measure(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(0, CPU);
        var matrix = Draw(Side, Side);
        var (map, kernel) = (Draw(Rows, Channels, Map, Map), Draw(Channels, Channels, 3, 3));
        return Math.Max(
            Rate(2 * Math.Pow(Side, 3), () => matmul(matrix, matrix)),
            Rate(2.0 * Rows * Inner * Inner * Channels * Channels * Kernel, () => Convolution.Apply(map, kernel, bias: null, Channels, stride: 1, padding: 0)));

        Tensor Draw(params long[] shape) => randn(shape, generator: generator).to(dtype);
    }

    private static double Rate(double operations, Func<Tensor> compute)
    {
        compute().Dispose();
        var start = ProcessorTime.Now;
        for (var i = 0; i < Repeats; i++)
            compute().Dispose();
        return Repeats * operations / (ProcessorTime.Now - start);
    }
}
