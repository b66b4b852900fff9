using BenchmarkDotNet.Attributes;
using PromptToPrompt.Diffusion.Common;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>
/// A 3×3 convolution of four rows at the levels of SD 1.5's U-Net and one at the finest level of its decoder: computed directly by libtorch, and by tiles.
/// The direct one gets its border as part of the map, because a convolution without padding is always computed directly.
/// </summary>
public class ConvolutionBenchmarks
{
    private Tensor map = null!, wideMap = null!, kernel = null!, bias = null!;
    private IDisposable guard = null!;

    /// <summary>Rows, channels and side of the map.</summary>
    [Params("4x320x64", "4x640x32", "4x1280x16", "1x128x512")]
    public string Size { get; set; } = "";

    /// <summary>Draws map and kernels, and compares both results.</summary>
    [GlobalSetup]
    public void Setup()
    {
        guard = no_grad();
        var (rows, channels, side) = Size.Split('x').Select(long.Parse).ToArray() is [var r, var c, var s] ? (r, c, s) : throw new ArgumentException(Size);
        using var scope = NewDisposeScope();
        using var random = new Generator(0);
        // Channels last, as the layers of the U-Net leave them.
        map = randn([rows, side, side, channels], generator: random).permute(0, 3, 1, 2).DetachFromDisposeScope();
        wideMap = nn.functional.pad(map, [1, 1, 1, 1]).DetachFromDisposeScope();
        kernel = randn([channels, channels, 3, 3], generator: random).mul(Scalar(1 / Math.Sqrt(9 * channels))).DetachFromDisposeScope();
        bias = randn([channels], generator: random).DetachFromDisposeScope();
        var (one, other) = (Convolve(wideMap, 0), Convolve(map, 1));
        if ((one - other).abs().max().item<float>() is var error and > 1e-4f)
            throw new InvalidOperationException($"The results differ by {error}.");
    }

    /// <summary>Frees everything.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var tensor in new[] { map, wideMap, kernel, bias })
            tensor.Dispose();
        guard.Dispose();
    }

    /// <summary>By libtorch (oneDNN).</summary>
    [Benchmark(Baseline = true)]
    public void Direct() => Convolve(wideMap, 0).Dispose();

    /// <summary>By Winograd's F(4×4, 3×3).</summary>
    [Benchmark]
    public void ByTiles() => Convolve(map, 1).Dispose();

    private Tensor Convolve(Tensor x, long padding) => Convolution.Apply(x, kernel, bias, kernel.shape[0], stride: 1, padding);
}
