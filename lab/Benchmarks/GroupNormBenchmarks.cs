using BenchmarkDotNet.Attributes;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>Group normalization and SiLU: by libtorch with the map in its own order and with channels last, and by the kernel for channels last.</summary>
public class GroupNormBenchmarks
{
    private const double Epsilon = 1e-5;
    private Tensor map = null!, ownOrder = null!, weight = null!, bias = null!;
    private long groups;
    private IDisposable guard = null!;

    /// <summary>Rows, channels, side of the map and groups: levels of SD 1.5's U-Net, its decoder and the embedded model.</summary>
    [Params("4x320x64x32", "1x128x512x32", "8x64x16x16")]
    public string Size { get; set; } = "";

    /// <summary>Draws a map of mean 3, and prints the largest error of both ways of channels last, compared with float64.</summary>
    [GlobalSetup]
    public void Setup()
    {
        guard = no_grad();
        var numbers = Size.Split('x').Select(long.Parse).ToArray();
        groups = numbers[3];
        using var scope = NewDisposeScope();
        using var random = new Generator(0);
        map = randn([numbers[0], numbers[2], numbers[2], numbers[1]], generator: random).Plus(full([1], Scalar(3))).permute(0, 3, 1, 2).DetachFromDisposeScope();
        ownOrder = map.contiguous().DetachFromDisposeScope();
        (weight, bias) = (randn([numbers[1]], generator: random).DetachFromDisposeScope(), randn([numbers[1]], generator: random).DetachFromDisposeScope());
        var exact = nn.functional.silu(nn.functional.group_norm(map.to(float64), groups, weight.to(float64), bias.to(float64), Epsilon));
        Console.WriteLine($"{Size}: libtorch is off by {Error(Libtorch(map)):E1}, the kernel by {Error(Own()):E1}");

        double Error(Tensor result) => result.to(float64).sub(exact).abs().max().item<double>();
    }

    /// <summary>Frees everything.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var tensor in new[] { map, ownOrder, weight, bias })
            tensor.Dispose();
        guard.Dispose();
    }

    /// <summary>By libtorch, in its own order.</summary>
    [Benchmark(Baseline = true)]
    public void OwnOrder() => Libtorch(ownOrder).Dispose();

    /// <summary>By libtorch, channels last.</summary>
    [Benchmark]
    public void ChannelsLast() => Libtorch(map).Dispose();

    /// <summary>By the kernel, channels last.</summary>
    [Benchmark]
    public void Kernel() => Own().Dispose();

    private Tensor Own() => GroupNorm.Apply(map, weight, bias, groups, Epsilon, silu: true);

    private Tensor Libtorch(Tensor x) => nn.functional.group_norm(x, groups, weight, bias, Epsilon).silu_();
}
