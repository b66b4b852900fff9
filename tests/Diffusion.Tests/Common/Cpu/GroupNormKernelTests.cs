using PromptToPrompt.Diffusion.Common.Cpu;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Common.Cpu;

/// <summary>The normalization of maps with their channels last, compared with libtorch's in float64.</summary>
public sealed class GroupNormKernelTests
{
    private const double Epsilon = 1e-5;

    [Theory]
    [InlineData(2, 32, 8, 7, 9, 0, 1, false)]
    [InlineData(2, 32, 8, 7, 9, 0, 1, true)]
    [InlineData(1, 64, 32, 40, 40, 100, 0.1, true)] // a mean that would cancel the variance's digits
    [InlineData(3, 16, 1, 1, 1, 0, 1, true)]
    [InlineData(1, 16, 16, 1, 2, 0, 1, false)] // a channel in each group
    [InlineData(2, 32, 8, 16, 16, 0, 40, true)] // activations far from zero
    public void OutputAndGradientAreThoseOfLibtorch(long rows, long channels, int groups, long height, long width, double mean, double deviation, bool silu)
    {
        using var scope = NewDisposeScope();
        var (x, weight, bias) = Operands(rows, channels, height, width, mean, deviation);
        Assert.True(GroupNormKernel.Suits(x, weight, bias, groups));
        var exactInput = x.to(float64).requires_grad_();
        var exact = nn.functional.group_norm(exactInput, groups, weight.to(float64), bias.to(float64), Epsilon);
        exact = silu ? nn.functional.silu(exact) : exact;
        using var random = new Generator(11);
        var direction = randn(exact.shape, generator: random);
        var exactGradient = autograd.grad([exact], [exactInput], [direction.to(float64)])[0];

        var input = x.clone().requires_grad_();
        var actual = GroupNormKernel.Apply(input, weight, bias, groups, Epsilon, silu);
        var gradient = autograd.grad([actual], [input], [direction])[0];

        // The input itself is rounded: with a large mean, by more than the result.
        var rounding = 4e-7 * (1 + (Math.Abs(mean) / deviation));
        AssertClose(exact.detach(), actual.detach(), 10 * rounding);
        // Relative to the gradient of the result: that of the input cancels if a group has few values.
        AssertClose(exactGradient, gradient, 100 * rounding, atLeast: 1);
        Assert.True(GroupNormKernel.Suits(actual.detach(), weight, bias, groups));
        // A pass that recomputes activations for a gradient must arrive at the same ones.
        Assert.Equal(0, (actual - GroupNormKernel.Apply(x, weight, bias, groups, Epsilon, silu)).abs().max().item<float>());
    }

    [Theory]
    [InlineData(64, 0, 1, 100)]
    [InlineData(256, 0.1, 0.01, 33)]
    [InlineData(256, 0.1, 0, 1000)]
    public void AnOutlierInACornerDoesNotCancelDigits(int side, double mean, double deviation, double corner)
    {
        using var scope = NewDisposeScope();
        var (x, _, _) = Operands(1, 32, side, side, mean, deviation);
        x[0, .., 0, 0].fill_(corner);
        var (weight, bias) = (ones(32), zeros(32));
        var exact = nn.functional.group_norm(x.to(float64), 8, weight.to(float64), bias.to(float64), Epsilon);
        var actual = GroupNormKernel.Apply(x, weight, bias, 8, Epsilon, silu: false);
        // Without the corner, whose own value is large.
        AssertClose(exact.narrow(2, 1, side - 1), actual.narrow(2, 1, side - 1), 1e-4);
    }

    [Fact]
    public void ExtremeValuesAreActivatedAsByLibtorch()
    {
        using var scope = NewDisposeScope();
        float[] values = [-1e6f, -200, -88, -20, -5, -1, -1e-20f, 0, 1e-20f, 1, 5, 20, 88, 200, 1e18f, float.NaN];
        // One channel in a group, two positions ±v: the normalization gives ±1, and the weight makes any number of it.
        var x = cat([ones(1, 16, 1, 1), -ones(1, 16, 1, 1)], 3).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        var (weight, bias) = (tensor(values), zeros(16));
        var expected = nn.functional.silu(nn.functional.group_norm(x.contiguous(), 16, weight, bias, 0));
        var actual = GroupNormKernel.Apply(x, weight, bias, 16, 0, silu: true);
        Assert.All(expected.contiguous().data<float>().Zip(actual.contiguous().data<float>()), pair =>
            Assert.True(float.IsNaN(pair.First) ? float.IsNaN(pair.Second) : Math.Abs(pair.First - pair.Second) <= (1e-6 * Math.Abs(pair.First)) + 1e-12, $"{pair.Second} instead of {pair.First}"));
    }

    [Fact]
    public void ItLeavesNoTensorBehind()
    {
        using var scope = NewDisposeScope();
        var (x, weight, bias) = Operands(2, 32, 8, 8, 0, 1);
        var before = LiveTensors;
        for (var i = 0; i < 20; i++)
        {
            using var inner = NewDisposeScope();
            var input = x.clone().requires_grad_();
            autograd.grad([GroupNormKernel.Apply(input, weight, bias, 8, Epsilon, silu: true).sum()], [input])[0].Dispose();
        }

        Assert.Equal(before, LiveTensors);
    }

    [Fact]
    public void OthersAreLeftToLibtorch()
    {
        using var scope = NewDisposeScope();
        var (x, weight, bias) = Operands(2, 32, 8, 8, 0, 1);
        Assert.True(GroupNormKernel.Suits(x, weight, bias, 8));
        Assert.False(GroupNormKernel.Suits(x, weight, bias, 5));
        Assert.False(GroupNormKernel.Suits(x, weight, bias, 64));
        Assert.False(GroupNormKernel.Suits(x.narrow(0, 0, 0), weight, bias, 8));
        Assert.False(GroupNormKernel.Suits(x.contiguous(), weight, bias, 8));
        Assert.False(GroupNormKernel.Suits(x.flatten(2), weight, bias, 8));
        Assert.False(GroupNormKernel.Suits(x.to(bfloat16), weight.to(bfloat16), bias.to(bfloat16), 8));
        Assert.False(GroupNormKernel.Suits(x, weight.clone().requires_grad_(), bias, 8));
        Assert.False(GroupNormKernel.Suits(x.narrow(1, 0, 24), weight.narrow(0, 0, 24), bias.narrow(0, 0, 24), 8));
    }

    private static (Tensor X, Tensor Weight, Tensor Bias) Operands(long rows, long channels, long height, long width, double mean, double deviation)
    {
        using var random = new Generator(5);
        var pixels = (randn([rows, height, width, channels], generator: random) * deviation) + mean;
        return (pixels.permute(0, 3, 1, 2), randn([channels], generator: random), randn([channels], generator: random));
    }

    private static void AssertClose(Tensor expected, Tensor actual, double tolerance, double atLeast = 0.1)
    {
        var error = (actual.to(float64) - expected.to(float64)).abs().max().item<double>();
        var scale = Math.Max(atLeast, expected.to(float64).abs().max().item<double>());
        Assert.True(error < tolerance * scale, $"the largest error is {error:E1} on values up to {scale:E1}, tolerance {tolerance:E1}");
    }
}
