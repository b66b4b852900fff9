using PromptToPrompt.Diffusion.Common;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Common;

public sealed class LinearProductTests
{
    private const double Tolerance = 1e-5;

    [Theory]
    [InlineData(new long[] { 64, 64 }, 96, true)]
    [InlineData(new long[] { 16, 320 }, 1280, true)]
    [InlineData(new long[] { 2, 64, 320 }, 320, false)]
    [InlineData(new long[] { 4, 44, 96 }, 32, true)]
    [InlineData(new long[] { 2, 1024, 64 }, 512, true)]
    [InlineData(new long[] { 2, 4, 6, 64 }, 128, true)]
    public void AConvolutionGivesTheSameProductAndGradients(long[] shape, long outputs, bool hasBias)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        AreEqual(randn(shape, generator: generator), Matrix(shape[^1], outputs, generator), hasBias ? randn([outputs], generator: generator) : null);
    }

    [Fact]
    public void SoItDoesForAnInputWhoseChannelsAreApart()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        AreEqual(randn([2, 64, 6, 8], generator: generator).flatten(2).transpose(1, 2), Matrix(64, 96, generator), null);
        AreEqual(randn([2, 40, 128], generator: generator).narrow(-1, 32, 64), Matrix(64, 32, generator), null);
    }

    [Fact]
    public void AConvolutionCopiesNothingThatStays()
    {
        using var scope = NewDisposeScope();
        var (x, matrix) = (randn(2, 256, 64), randn(96, 64));
        using var inner = NewDisposeScope();
        var before = LiveTensors;
        var y = LinearProduct.ByConvolution(x, matrix, null);
        Assert.Equal(before + 1, LiveTensors);
        Assert.Equal([2, 256, 96], y.shape);
        Assert.True(y.is_contiguous());
    }

    private static Tensor Matrix(long inputs, long outputs, Generator generator) => randn([outputs, inputs], generator: generator).div(Math.Sqrt(inputs));

    private static void AreEqual(Tensor input, Tensor matrix, Tensor? bias)
    {
        var (expected, expectedGradient) = Evaluate(x => nn.functional.linear(x, matrix, bias), input);
        var (actual, gradient) = Evaluate(x => LinearProduct.ByConvolution(x, matrix, bias), input);
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(actual.is_contiguous());
        Assert.InRange(Difference(actual, expected), 0, Tolerance);
        Assert.InRange(Difference(gradient, expectedGradient), 0, Tolerance);
    }

    private static (Tensor Result, Tensor Gradient) Evaluate(Func<Tensor, Tensor> product, Tensor input)
    {
        // A detached view keeps the strides of the input.
        var x = input.detach().requires_grad_(true);
        var y = product(x);
        y.backward([y.detach().cos()]);
        return (y.detach(), x.grad!);
    }

    private static double Difference(Tensor one, Tensor other) => one.sub(other).abs().max().div(other.abs().max()).ToDouble();
}
