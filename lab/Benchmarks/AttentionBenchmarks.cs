using BenchmarkDotNet.Attributes;
using PromptToPrompt.Diffusion.Common.Cpu;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>Float32 attention on a CPU: by libtorch's fused kernel and by this project's.</summary>
public class AttentionBenchmarks
{
    private Tensor query = null!, key = null!, value = null!;
    private IDisposable guard = null!;

    /// <summary>Rows, heads, queries, keys and width of a head: self-attention and cross-attention of SD 1.5's levels and of the embedded model.</summary>
    [Params("2x8x4096x4096x40", "2x8x1024x1024x80", "4x8x256x256x160", "4x8x4096x77x40", "4x4x256x256x32", "4x4x64x77x32")]
    public string Size { get; set; } = "";

    /// <summary>Draws the operands as a U-Net's layers produce them, and prints the largest error of both ways, compared with float64.</summary>
    [GlobalSetup]
    public void Setup()
    {
        guard = no_grad();
        var numbers = Size.Split('x').Select(long.Parse).ToArray();
        using var scope = NewDisposeScope();
        using var random = new Generator(0);
        (query, key, value) = (Draw(2), Draw(3), Draw(3));
        var (q, k, v) = (query.narrow(0, 0, 1).to(float64), key.narrow(0, 0, 1).to(float64), value.narrow(0, 0, 1).to(float64));
        var exact = matmul(nn.functional.softmax(matmul(q.mul(Scalar(1 / Math.Sqrt(numbers[4]))), k.transpose(-2, -1)), -1), v);
        Console.WriteLine($"{Size}: libtorch is off by {Error(Libtorch()):E1}, the kernel by {Error(Own()):E1}");

        Tensor Draw(int positions) =>
            randn([numbers[0], numbers[positions], numbers[1], numbers[4]], generator: random).transpose(1, 2).DetachFromDisposeScope();

        double Error(Tensor result) => result.narrow(0, 0, 1).to(float64).sub(exact).abs().max().item<double>();
    }

    /// <summary>Frees everything.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var tensor in new[] { query, key, value })
            tensor.Dispose();
        guard.Dispose();
    }

    /// <summary>By libtorch.</summary>
    [Benchmark(Baseline = true)]
    public void ByLibtorch() => Libtorch().Dispose();

    /// <summary>By the kernel.</summary>
    [Benchmark]
    public void Kernel() => Own().Dispose();

    /// <summary>The result and its gradients, by libtorch.</summary>
    [Benchmark]
    public void GradientByLibtorch() => Gradient((q, k, v) => nn.functional.scaled_dot_product_attention(q, k, v));

    /// <summary>The result and its gradients, by the kernel.</summary>
    [Benchmark]
    public void GradientByKernel() => Gradient(AttentionKernel.Apply);

    private void Gradient(Func<Tensor, Tensor, Tensor, Tensor> attention)
    {
        using var graph = enable_grad();
        using var scope = NewDisposeScope();
        Tensor[] leaves = [.. new[] { query, key, value }.Select(operand => operand.detach().requires_grad_(true))];
        autograd.grad([attention(leaves[0], leaves[1], leaves[2]).sum()], leaves);
    }

    private Tensor Own() => AttentionKernel.Apply(query, key, value);

    private Tensor Libtorch() => nn.functional.scaled_dot_product_attention(query, key, value);
}
