using CsCheck;
using PromptToPrompt.Diffusion.Native.Numerics;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Native.Numerics;

/// <summary>
/// Operations of any shape, forward and backward, against float64, with NaN in freed memory. These fail where a processor computes wrongly; on
/// the others they show that nothing depends on memory that was never written.
/// </summary>
[Trait("Category", "Slow")]
public sealed class NumericsCheckTests
{
    private static readonly Gen<long> Channels = Gen.OneOf(
        Gen.Long[1, 40], Gen.OneOf(48L, 64L, 80L, 96L, 128L, 144L), Gen.OneOf(320L, 512L));

    private static readonly Gen<CheckedOperation> Convolutions =
        Gen.Select(Gen.Long[1, 4], Channels, Channels, Gen.OneOf(1, 3), Gen.OneOf(1, 2), Gen.Long[7, 33])
            .Where(shape => shape.Item2 * shape.Item3 * shape.Item6 * shape.Item6 * shape.Item1 < 10_000_000)
            .Select(shape => CheckedOperation.Convolution(shape.Item1, shape.Item2, shape.Item3, shape.Item4, shape.Item5, shape.Item6));

    private static readonly Gen<CheckedOperation> Products =
        Gen.Select(Gen.Long[1, 300], Gen.Long[1, 400], Gen.Long[1, 400]).Select(shape => CheckedOperation.Linear(shape.Item1, shape.Item2, shape.Item3));

    private static readonly Gen<CheckedOperation> Attentions = Gen.Select(Gen.Long[1, 300], Gen.Long[2, 300], Gen.OneOf(8L, 20L, 40L, 64L, 80L, 160L), Gen.Bool)
        .Select(shape => CheckedOperation.Attention(shape.Item4 ? shape.Item2 : shape.Item1, shape.Item2, shape.Item3, shape.Item4));

    private static readonly Gen<CheckedOperation> Norms = Gen.Select(Gen.Long[1, 4], Gen.Long[1, 40], Gen.OneOf(1L, 8L, 32L), Gen.Long[2, 17], Gen.Bool)
        .Select(shape => shape.Item5 ? CheckedOperation.GroupNorm(shape.Item1, shape.Item2 * shape.Item3, shape.Item3, shape.Item4)
            : CheckedOperation.LayerNorm(shape.Item1 * shape.Item4, 8 + (shape.Item2 * shape.Item3)));

    [Theory]
    [InlineData(ScalarType.Float32, 1, 40)]
    [InlineData(ScalarType.Float32, 2, 40)]
    [InlineData(ScalarType.BFloat16, 1, 20)]
    [InlineData(ScalarType.BFloat16, 2, 20)]
    public void ConvolutionsAreRight(ScalarType type, int threads, int iterations) => AreRight(Convolutions, type, threads, iterations);

    [Theory]
    [InlineData(ScalarType.Float32, 1)]
    [InlineData(ScalarType.Float32, 2)]
    [InlineData(ScalarType.BFloat16, 1)]
    public void MatrixProductsAreRight(ScalarType type, int threads) => AreRight(Products, type, threads, iterations: 20);

    [Theory]
    [InlineData(ScalarType.Float32, 1)]
    [InlineData(ScalarType.Float32, 2)]
    [InlineData(ScalarType.BFloat16, 1)]
    public void AttentionIsRight(ScalarType type, int threads) => AreRight(Attentions, type, threads, iterations: 20);

    [Theory]
    [InlineData(ScalarType.Float32, 1)]
    [InlineData(ScalarType.BFloat16, 1)]
    public void NormsAreRight(ScalarType type, int threads) => AreRight(Norms, type, threads, iterations: 20);

    [Fact]
    public void TheCheckOfThisMachineFindsNothing()
    {
        var report = NumericsCheck.Run(CPU);
        Assert.True(report.IsRight, report.ToString());
        Assert.Matches(@"^\d\d+ comparisons with float64 passed; largest error \de-\d in float32(, \de-\d in bfloat16)?$", report.ToString());
    }

    [Fact]
    public void WrongAndMissingNumbersAreNamed()
    {
        var half = CheckedOperation.Linear(3, 4, 5) with { Name = "halved", Apply = x => nn.functional.linear(x[0], x[1], x[2]).mul(x[0].sum().sign().abs().div(2)), Reference = x => nn.functional.linear(x[0], x[1], x[2]) };
        var none = CheckedOperation.Linear(3, 4, 5) with { Name = "lost", Apply = x => nn.functional.linear(x[0], x[1], x[2]).mul(x[2].sub(x[2]).sum().log()), Reference = half.Reference };
        var report = NumericsCheck.Run(CPU, [half, CheckedOperation.Linear(3, 4, 5), none]);
        Assert.False(report.IsRight);
        Assert.Contains("the result of halved in float32 is off by 0.5 of its largest value", report.ToString());
        Assert.Contains(report.Faults, fault => fault.ToString() == "the gradient of the matrix of halved in float32 is off by 0.5 of its largest value");
        Assert.Contains(report.Faults, fault => fault.ToString().StartsWith("the result of lost in float32 is", StringComparison.Ordinal));
        Assert.DoesNotContain(report.Faults, fault => fault.Operation.StartsWith("matrix", StringComparison.Ordinal));
    }

    private static void AreRight(Gen<CheckedOperation> operations, ScalarType type, int threads, int iterations)
    {
        var before = get_num_threads();
        set_num_threads(threads);
        try
        {
            Gen.Select(operations, Gen.ULong[0, 1000]).Sample(
                (operation, seed) => Assert.Empty(NumericsCheck.Compare(operation, type, CPU, seed).Where(comparison => !comparison.IsRight).Select(fault => fault.ToString())),
                iter: iterations, threads: 1);
        }
        finally
        {
            set_num_threads(before);
        }
    }
}
