using PromptToPrompt.Diffusion.Common.Cpu;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Common.Cpu;

public sealed class AttentionKernelTests
{
    // Relative to the largest number; rounding is a few 1e-7.
    private const double Tolerance = 3e-6;

    // Queries and keys that fill tiles and blocks exactly, that exceed them by a few, and that are fewer; widths of all parts of a tile.
    [Theory]
    [InlineData(1, 1, 1, 1, 4, 4)]
    [InlineData(2, 3, 24, 128, 8, 8)]
    [InlineData(1, 2, 25, 129, 40, 40)]
    [InlineData(2, 2, 97, 77, 40, 40)]
    [InlineData(1, 2, 200, 300, 5, 12)]
    [InlineData(1, 1, 96, 4, 33, 20)]
    [InlineData(3, 1, 23, 131, 160, 160)]
    [InlineData(1, 2, 64, 64, 64, 96)]
    public void ResultAndGradientsAreThoseOfTheDefinition(long rows, long heads, long queries, long keys, long width, long valueWidth)
    {
        Assert.SkipUnless(Tile.IsSupported, "this processor has no AVX2");
        using var scope = NewDisposeScope();
        using var random = new Generator(1, CPU);
        Compare(
            randn([rows, heads, queries, width], generator: random), randn([rows, heads, keys, width], generator: random), randn([rows, heads, keys, valueWidth], generator: random));
    }

    [Fact]
    public void AnyMemoryOrderWorks()
    {
        Assert.SkipUnless(Tile.IsSupported, "this processor has no AVX2");
        using var scope = NewDisposeScope();
        using var random = new Generator(2, CPU);
        // As one product gives queries, keys and values; with a row that stands for several; and with positions along the memory.
        var parts = randn([2, 50, 3, 4, 16], generator: random).permute(2, 0, 3, 1, 4).unbind(0);
        Compare(parts[0], parts[1], parts[2]);
        Compare(parts[0], parts[1].narrow(0, 0, 1).expand(2, -1, -1, -1), parts[2].narrow(0, 1, 1).expand(2, -1, -1, -1));
        Compare(parts[0], randn([2, 4, 16, 30], generator: random).transpose(2, 3), randn([2, 4, 16, 30], generator: random).transpose(2, 3));
    }

    // The largest score of a query may come last, and all others may vanish beside it.
    [Theory]
    [InlineData(30)]
    [InlineData(1e4)]
    public void LargeScoresDoNotOverflow(double scale)
    {
        Assert.SkipUnless(Tile.IsSupported, "this processor has no AVX2");
        using var scope = NewDisposeScope();
        using var random = new Generator(3, CPU);
        var (query, key, value) = (randn([1, 2, 40, 16], generator: random).mul(scale), randn([1, 2, 300, 16], generator: random), randn([1, 2, 300, 16], generator: random));
        // Rounding of the scores themselves grows with them.
        AreEqual(AttentionKernel.Apply(query, key, value), Exact(query, key, value), Tolerance * scale);
        var ascending = arange(300, dtype: float32, device: CPU).view(1, 1, 300, 1).expand(1, 1, 300, 4).contiguous();
        var last = AttentionKernel.Apply(ones(1, 1, 3, 4).mul(scale), ascending, ascending);
        AreEqual(last, full([1, 1, 3, 4], 299f, float32, CPU), 1e-6);
    }

    // The keys that complete the last tile have a score of 0, beside which all others vanish.
    [Fact]
    public void LowScoresOfAllKeysGiveTheSameGradients()
    {
        Assert.SkipUnless(Tile.IsSupported, "this processor has no AVX2");
        using var scope = NewDisposeScope();
        using var random = new Generator(5, CPU);
        for (var score = -20.0; score > -300; score -= 0.5)
        {
            var (query, key, value) = (full([1, 1, 25, 4], score / 2, float32, CPU), ones(1, 1, 77, 4), randn([1, 1, 77, 4], generator: random));
            Compare(query, key.add(randn([1, 1, 77, 4], generator: random).mul(1e-3)), value, Tolerance * Math.Abs(score));
        }
    }

    [Fact]
    public void LargeScoresHaveFiniteGradients()
    {
        Assert.SkipUnless(Tile.IsSupported, "this processor has no AVX2");
        using var scope = NewDisposeScope();
        using var random = new Generator(6, CPU);
        var (query, key, value) = (randn([1, 2, 40, 16], generator: random).mul(1e4), randn([1, 2, 131, 16], generator: random), randn([1, 2, 131, 16], generator: random));
        var (_, gradients) = Gradients(AttentionKernel.Apply, query, key, value);
        Assert.All(gradients, gradient => Assert.True(gradient.isfinite().all().item<bool>()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void AnyOperandAloneMayNeedAGradient(int which)
    {
        Assert.SkipUnless(Tile.IsSupported, "this processor has no AVX2");
        using var scope = NewDisposeScope();
        using var random = new Generator(7, CPU);
        Tensor[] operands = [.. Enumerable.Range(0, 3).Select(_ => randn([1, 2, 30, 8], generator: random))];
        var (_, all) = Gradients(AttentionKernel.Apply, operands[0], operands[1], operands[2]);
        operands[which].requires_grad_(true);
        var result = AttentionKernel.Apply(operands[0], operands[1], operands[2]);
        using var outer = new Generator(9, CPU);
        result.backward([randn(result.shape, generator: outer)]);
        Assert.True(operands[which].grad!.equal(all[which]).all().item<bool>());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void NumbersThatAreNotFiniteShow(float number)
    {
        Assert.SkipUnless(Tile.IsSupported, "this processor has no AVX2");
        using var scope = NewDisposeScope();
        for (var operand = 0; operand < 3; operand++)
        {
            foreach (var position in new[] { 0L, 29, 149 })
            {
                var operands = Enumerable.Range(0, 3).Select(_ => ones(1, 1, 150, 8)).ToArray();
                operands[operand][0, 0, position, 3] = tensor(number);
                // Such a key has a score of -∞ and no weight.
                if (operand == 1 && float.IsNegativeInfinity(number))
                    continue;
                var (result, gradients) = Gradients(AttentionKernel.Apply, operands[0], operands[1], operands[2]);
                Assert.False(result.isfinite().all().item<bool>(), $"operand {operand}, position {position}");
                Assert.Contains(gradients, gradient => !gradient.isfinite().all().item<bool>());
            }
        }
    }

    [Fact]
    public void AQuerysResultDependsOnNoOtherQueryOrRowNorOnTheThreads()
    {
        Assert.SkipUnless(Tile.IsSupported, "this processor has no AVX2");
        using var scope = NewDisposeScope();
        using var random = new Generator(4, CPU);
        var (query, key, value) = (randn([3, 4, 210, 40], generator: random), randn([3, 4, 150, 40], generator: random), randn([3, 4, 150, 40], generator: random));
        var threads = get_num_threads();
        try
        {
            set_num_threads(1);
            var all = AttentionKernel.Apply(query, key, value);
            Assert.True(all.narrow(0, 1, 1).equal(AttentionKernel.Apply(query.narrow(0, 1, 1), key.narrow(0, 1, 1), value.narrow(0, 1, 1))).all().item<bool>());
            Assert.True(all.narrow(2, 100, 7).equal(AttentionKernel.Apply(query.narrow(2, 100, 7), key, value)).all().item<bool>());
            var (_, alone) = Gradients(AttentionKernel.Apply, query, key, value);
            set_num_threads(5);
            Assert.True(all.equal(AttentionKernel.Apply(query, key, value)).all().item<bool>());
            var (_, together) = Gradients(AttentionKernel.Apply, query, key, value);
            Assert.All(alone.Zip(together), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void NothingStaysButTheResult()
    {
        Assert.SkipUnless(Tile.IsSupported, "this processor has no AVX2");
        using var scope = NewDisposeScope();
        var operand = randn(1, 2, 30, 8);
        using var inner = NewDisposeScope();
        var before = LiveTensors;
        var result = AttentionKernel.Apply(operand, operand, operand);
        Assert.Equal(before + 1, LiveTensors);
        // The layer after the attention reads the heads of a position side by side.
        Assert.True(result.transpose(1, 2).is_contiguous());
    }

    [Fact]
    public void OtherTypesShapesAndDevicesAreLeftToLibtorch()
    {
        using var scope = NewDisposeScope();
        var (narrow, wide, odd, whole) = (zeros(1, 1, 4, 8, dtype: bfloat16, device: CPU), zeros(1, 1, 4, 8, device: META), zeros(1, 1, 4, 6), zeros(1, 1, 4, 8));
        Assert.False(AttentionKernel.Suits(narrow, narrow, narrow));
        Assert.False(AttentionKernel.Suits(wide, wide, wide));
        Assert.False(AttentionKernel.Suits(odd, odd, odd));
        Assert.False(AttentionKernel.Suits(whole, whole, zeros(1, 1, 5, 8)));
        Assert.False(AttentionKernel.Suits(zeros(1, 1, 0, 8), whole, whole));
        Assert.False(AttentionKernel.Suits(whole, zeros(1, 1, 0, 8), zeros(1, 1, 0, 8)));
        Assert.Equal(Tile.IsSupported, AttentionKernel.Suits(whole, whole, whole));
    }

    private static void Compare(Tensor query, Tensor key, Tensor value, double tolerance = Tolerance)
    {
        Assert.True(AttentionKernel.Suits(query, key, value));
        var (exact, exactGradients) = Gradients(Exact, query.to(float64), key.to(float64), value.to(float64));
        var (result, gradients) = Gradients(AttentionKernel.Apply, query, key, value);
        AreEqual(AttentionKernel.Apply(query, key, value), exact, tolerance);
        AreEqual(result, exact, tolerance);
        foreach (var (actual, expected) in gradients.Zip(exactGradients))
            AreEqual(actual, expected, tolerance);
    }

    private static Tensor Exact(Tensor query, Tensor key, Tensor value) => matmul(
        nn.functional.softmax(matmul(query.to(float64).div(Math.Sqrt(query.shape[^1])), key.to(float64).transpose(-2, -1)), -1), value.to(float64));

    private static (Tensor Result, Tensor[] Gradients) Gradients(Func<Tensor, Tensor, Tensor, Tensor> attention, Tensor query, Tensor key, Tensor value)
    {
        Tensor[] leaves = [.. new[] { query, key, value }.Select(operand => operand.detach().requires_grad_(true))];
        var result = attention(leaves[0], leaves[1], leaves[2]);
        using var random = new Generator(9, CPU);
        result.backward([randn(result.shape, dtype: float32, device: CPU, generator: random).to(result.dtype)]);
        return (result.detach(), [.. leaves.Select(leaf => leaf.grad!)]);
    }

    private static void AreEqual(Tensor actual, Tensor expected, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((actual.to(float64) - expected.to(float64)).abs().max().item<double>() / Math.Max(0.1, expected.abs().max().to(float64).item<double>()), 0, tolerance);
    }
}
