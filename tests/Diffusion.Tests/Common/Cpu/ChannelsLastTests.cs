using System.Collections.Concurrent;
using PromptToPrompt.Diffusion.Common.Cpu;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Common.Cpu;

public sealed class ChannelsLastTests
{
    [Theory]
    [InlineData(1, 5)]
    [InlineData(3, 3)]
    [InlineData(3, 7)]
    [InlineData(16, 1000)]
    public void EveryIterationOfASplitLoopRunsOnce(int parts, int count)
    {
        var ranges = new ConcurrentBag<(int Start, int End)>();
        ChannelsLast.SplitInto(parts, count, (start, end) => ranges.Add((start, end)));
        Assert.Equal(parts, ranges.Count);
        Assert.Equal(Enumerable.Range(0, count), ranges.OrderBy(range => range.Start).SelectMany(range => Enumerable.Range(range.Start, range.End - range.Start)));
    }

    [Fact]
    public void AMapInThisOrderIsNotCopied()
    {
        using var scope = NewDisposeScope();
        var map = ChannelsLast.Empty(2, 32, 5, 7);
        Assert.Equal([2, 32, 5, 7], map.shape);
        Assert.True(ChannelsLast.IsMap(map));
        map.fill_(1);
        var pixels = ChannelsLast.Pixels(map);
        Assert.Equal([2, 5, 7, 32], pixels.shape);
        pixels.fill_(2);
        Assert.Equal(2, map.min().item<float>());
        Assert.False(ChannelsLast.IsMap(map.contiguous()));
    }

    [Fact]
    public void OnlyGradientsThatAreWantedCount()
    {
        using var scope = NewDisposeScope();
        var weight = ones(3).requires_grad_();
        Assert.True(ChannelsLast.NeedsGradient(null, weight));
        Assert.False(ChannelsLast.NeedsGradient(weight.detach()));
        using var guard = no_grad();
        Assert.False(ChannelsLast.NeedsGradient(weight));
    }
}
