using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Common;

public sealed class ConvolutionTests
{
    [Theory]
    [InlineData(4, 320)]
    [InlineData(320, 4)]
    [InlineData(3, 3)]
    [InlineData(33, 64)]
    [InlineData(64, 32)]
    public void PaddingChangesNothing(long inputs, long outputs)
    {
        using var scope = NewDisposeScope();
        var (x, kernel, bias) = (rand(2, inputs, 5, 7, dtype: ScalarType.Float64), rand(outputs, inputs, 3, 3, dtype: ScalarType.Float64), rand(outputs, dtype: ScalarType.Float64));
        var expected = nn.functional.conv2d(x, kernel, bias, [1L, 1L], [1L, 1L]);
        Assert.True(Convolution.Apply(x, kernel, bias, outputs, 1, 1).allclose(expected));
        Assert.True(Convolution.Apply(x, Convolution.Pad(kernel), Convolution.Pad(bias, 0), outputs, 1, 1).allclose(expected));
        Assert.All(Convolution.Pad(kernel).shape[..2], channels => Assert.Equal(0, channels % 32));
    }

    [Fact]
    public void WholeGroupsAreNotCopied()
    {
        using var scope = NewDisposeScope();
        var kernel = rand(64, 32, 3, 3);
        Assert.Same(kernel, Convolution.Pad(kernel));
    }

    [Fact]
    public void DevicesWithKernelsOfTheirOwnAreLeftAlone()
    {
        using var kernel = empty(4, 3, 3, 3, device: META);
        Assert.Same(kernel, Convolution.Pad(kernel));
    }

    [Fact]
    public void StoredWeightsArePaddedOnceAndFreedWithTheirSource()
    {
        using var scope = NewDisposeScope();
        var (kernel, bias) = (rand(4, 3, 3, 3), rand(4));
        var source = new StoredWeights("test", new Dictionary<string, StoredWeight>
        {
            ["weight"] = new([4, 3, 3, 3], () => kernel),
            ["bias"] = new([4], () => bias),
        });
        var layer = new Conv2d(source.Root, 3, 4, 3, padding: 1);
        var x = rand(1, 3, 6, 6);
        var before = LiveTensors;
        using (var inner = NewDisposeScope())
        {
            Assert.True(layer.Forward(x).allclose(nn.functional.conv2d(x, kernel, bias, [1L, 1L], [1L, 1L]), atol: 1e-5));
            // The padded input, the wide output, the narrow one and the reference: no kernel among them.
            Assert.True(inner.DisposablesCount <= 5, $"{inner.DisposablesCount} tensors");
        }

        Assert.Equal(before, LiveTensors);
        source.Dispose();
        Assert.Equal(before - 4, LiveTensors);
    }

    [Fact]
    public void WeightsThatAreTrainedKeepTheirGradient()
    {
        using var scope = NewDisposeScope();
        using var weights = new InitialWeights(new Generator(0));
        var layer = new Conv2d(weights.Root, 3, 4, 3, padding: 1);
        var leaves = weights.Named.Select(weight => weight.Value.requires_grad_(true)).ToList();
        layer.Forward(ones(1, 3, 6, 6)).sum().backward();
        Assert.All(leaves, leaf => Assert.True(leaf.grad!.abs().min().ToDouble() > 0));
    }
}
