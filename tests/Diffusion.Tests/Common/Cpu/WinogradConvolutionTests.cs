using PromptToPrompt.Diffusion.Common.Cpu;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Common.Cpu;

/// <summary>The convolution by tiles, compared with libtorch's in float64.</summary>
public sealed class WinogradConvolutionTests
{
    // Relative to the outputs' standard deviation; a direct convolution in float32 has about 2e-6.
    private const double Tolerance = 2e-5;

    [Theory]
    [InlineData(2, 32, 64, 16, 16)]
    [InlineData(3, 64, 32, 13, 18)] // tiles that reach over the border
    [InlineData(2, 32, 32, 1, 61)]
    [InlineData(1, 32, 48, 68, 64)] // more tiles than one product takes
    [InlineData(2, 1280, 384, 16, 16)] // more kernels than are transformed at a time
    public void OutputAndGradientAreThoseOfADirectConvolution(long rows, long inputs, long outputs, long height, long width)
    {
        using var scope = NewDisposeScope();
        var (x, kernel, bias) = Operands(rows, inputs, outputs, height, width);
        Assert.True(WinogradConvolution.Suits(x, kernel, bias, stride: 1, padding: 1));
        var exactInput = x.to(float64).requires_grad_();
        var exact = nn.functional.conv2d(exactInput, kernel.to(float64), bias.to(float64), padding: [1, 1]);
        using var random = new Generator(11);
        var direction = randn(exact.shape, generator: random);
        var exactGradient = autograd.grad([exact], [exactInput], [direction.to(float64)])[0];

        var input = x.clone().requires_grad_();
        var actual = WinogradConvolution.Apply(input, kernel, bias);
        var gradient = autograd.grad([actual], [input], [direction])[0];

        AssertClose(exact.detach(), actual.detach());
        AssertClose(exactGradient, gradient);
        // A pass that recomputes activations for a gradient must arrive at the same ones.
        Assert.Equal(0, (actual - WinogradConvolution.Apply(x, kernel, bias)).abs().max().item<float>());
    }

    [Fact]
    public void TheOrderOfTheInputsMemoryDoesNotMatter()
    {
        using var scope = NewDisposeScope();
        var (x, kernel, bias) = Operands(2, 32, 32, 16, 20);
        var channelsLast = x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        var part = cat([x, x], 1).narrow(1, 0, 32);
        var expected = WinogradConvolution.Apply(x, kernel, bias);
        Assert.Equal(0, (expected - WinogradConvolution.Apply(channelsLast, kernel, bias)).abs().max().item<float>());
        Assert.Equal(0, (expected - WinogradConvolution.Apply(part, kernel, bias)).abs().max().item<float>());
    }

    [Fact]
    public void ABiasIsOptional()
    {
        using var scope = NewDisposeScope();
        var (x, kernel, bias) = Operands(2, 32, 32, 16, 16);
        var sum = WinogradConvolution.Apply(x, kernel, bias: null) + bias.view(1, -1, 1, 1);
        AssertClose(WinogradConvolution.Apply(x, kernel, bias), sum);
    }

    [Fact]
    public void ARowsResultDoesNotDependOnTheOthers()
    {
        using var scope = NewDisposeScope();
        var (x, kernel, bias) = Operands(4, 64, 64, 16, 16);
        var together = WinogradConvolution.Apply(x, kernel, bias);
        for (var row = 0; row < 4; row++)
        {
            var alone = x.narrow(0, row, 1);
            Assert.Equal(WinogradConvolution.Suits(x, kernel, bias, 1, 1), WinogradConvolution.Suits(alone, kernel, bias, 1, 1));
            AssertClose(together.narrow(0, row, 1), WinogradConvolution.Apply(alone, kernel, bias));
        }
    }

    [Fact]
    public void ABiasMayNeedAGradient()
    {
        using var scope = NewDisposeScope();
        var (x, kernel, bias) = Operands(2, 32, 32, 16, 16);
        var (input, addend) = (x.clone().requires_grad_(), bias.clone().requires_grad_());
        var output = WinogradConvolution.Apply(input, kernel, addend);
        var gradients = autograd.grad([output.sum()], [input, addend]);
        Assert.Equal(2 * 16 * 16, gradients[1].min().item<float>());
        Assert.Equal(0, (output - WinogradConvolution.Apply(x, kernel, bias)).abs().max().item<float>());
    }

    [Fact]
    public void NoUnsetMemoryReachesTheResult()
    {
        using var scope = NewDisposeScope();
        var (x, kernel, bias) = Operands(2, 64, 64, 18, 18);
        var expected = WinogradConvolution.Apply(x, kernel, bias);
        for (var i = 0; i < 8; i++)
        {
            // Freed memory, likely to be used by the next call.
            for (var size = 1 << 12; size < 1 << 20; size *= 2)
                full([size], double.NaN).Dispose();
            Assert.Equal(0, (expected - WinogradConvolution.Apply(x, kernel, bias)).abs().max().item<float>());
        }
    }

    [Fact]
    public void ItLeavesNoTensorBehind()
    {
        using var scope = NewDisposeScope();
        var (x, kernel, bias) = Operands(2, 32, 32, 16, 16);
        var before = LiveTensors;
        for (var i = 0; i < 20; i++)
        {
            using var inner = NewDisposeScope();
            var input = x.clone().requires_grad_();
            autograd.grad([WinogradConvolution.Apply(input, kernel, bias).sum()], [input])[0].Dispose();
        }

        Assert.Equal(before, LiveTensors);
    }

    [Fact]
    public void TheKernelMayGoBeforeTheGradientIsComputed()
    {
        using var scope = NewDisposeScope();
        var (x, kernel, _) = Operands(2, 32, 32, 16, 16);
        var input = x.clone().requires_grad_();
        var expected = autograd.grad([WinogradConvolution.Apply(input, kernel, bias: null).sum()], [input])[0];
        Tensor sum;
        using (var copy = kernel.clone())
            sum = WinogradConvolution.Apply(input, copy, bias: null).sum();
        Assert.Equal(0, (expected - autograd.grad([sum], [input])[0]).abs().max().item<float>());
    }

    [Fact]
    public void OthersAreLeftToLibtorch()
    {
        using var scope = NewDisposeScope();
        var (x, kernel, bias) = Operands(2, 32, 32, 16, 16);
        Assert.True(WinogradConvolution.Suits(x, kernel, null, 1, 1));
        Assert.False(WinogradConvolution.Suits(x, kernel, bias, stride: 2, padding: 1));
        Assert.False(WinogradConvolution.Suits(x, kernel, bias, stride: 1, padding: 0));
        Assert.False(WinogradConvolution.Suits(x, ones(32, 32, 1, 1), bias, 1, 1));
        Assert.False(WinogradConvolution.Suits(x.narrow(2, 0, 4), kernel, bias, 1, 1));
        Assert.False(WinogradConvolution.Suits(x.to(bfloat16), kernel.to(bfloat16), bias.to(bfloat16), 1, 1));
        Assert.False(WinogradConvolution.Suits(x.to(float64), kernel.to(float64), bias.to(float64), 1, 1));
        Assert.False(WinogradConvolution.Suits(empty(2, 32, 16, 16, device: META), empty(32, 32, 3, 3, device: META), null, 1, 1));
        Assert.False(WinogradConvolution.Suits(x, kernel.clone().requires_grad_(), bias, 1, 1));
        Assert.False(WinogradConvolution.Suits(x.narrow(1, 0, 16), kernel, bias, 1, 1));
        Assert.False(WinogradConvolution.Suits(x, kernel, bias.narrow(0, 0, 16), 1, 1));
        Assert.False(WinogradConvolution.Suits(x.narrow(0, 0, 0), kernel, bias, 1, 1));
    }

    private static (Tensor X, Tensor Kernel, Tensor Bias) Operands(long rows, long inputs, long outputs, long height, long width)
    {
        using var random = new Generator(5);
        return (randn([rows, inputs, height, width], generator: random),
            randn([outputs, inputs, 3, 3], generator: random) / Math.Sqrt(9 * inputs),
            randn([outputs], generator: random));
    }

    private static void AssertClose(Tensor expected, Tensor actual)
    {
        var error = (actual.to(float64) - expected.to(float64)).abs().max().item<double>() / expected.to(float64).std().item<double>();
        Assert.True(error < Tolerance, $"the largest error is {error:E1} standard deviations");
    }
}
