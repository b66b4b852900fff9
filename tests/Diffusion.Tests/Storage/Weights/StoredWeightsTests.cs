using PromptToPrompt.Diffusion.Storage.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Weights;

public sealed class StoredWeightsTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    [Fact]
    public void StackedWeightsAreInMemoryOnce()
    {
        using var weights = Weights("a", "b");
        var stacked = weights.TakeStacked(["a", "b"], [2, 3])!;
        Assert.Equal([4, 3], stacked.shape);
        Assert.Empty(weights.Unused);
        // Those with their own names are views.
        stacked.fill_(7);
        Assert.Equal(7, weights.Take("b", WeightInit.FanIn, 3, [2, 3]).mean().ToDouble());
    }

    [Fact]
    public void WeightsThatAreMappedOrTakenAreNotStacked()
    {
        using var mapped = new StoredWeights("a file", new Dictionary<string, StoredWeight> { ["a"] = new([2, 3], () => ones(2, 3)) { IsMapped = true } });
        Assert.Null(mapped.TakeStacked(["a"], [2, 3]));
        using var weights = Weights("a", "b");
        var first = weights.Take("a", WeightInit.FanIn, 3, [2, 3]);
        Assert.Null(weights.TakeStacked(["a", "b"], [2, 3]));
        Assert.Equal(6, first.sum().ToDouble());
    }

    [Fact]
    public void AMissingWeightOfAStackIsNamed()
    {
        using var weights = Weights("a");
        using var others = Weights("a");
        Assert.Contains("\"b\"", Assert.Throws<InvalidInputException>(() => weights.TakeStacked(["a", "b"], [2, 3])).Message, StringComparison.Ordinal);
        Assert.Contains("[2, 3]", Assert.Throws<InvalidInputException>(() => others.TakeStacked(["a"], [3, 3])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NothingIsLeftBehind()
    {
        var before = LiveTensors;
        using (var weights = Weights("a", "b"))
            weights.TakeStacked(["a", "b"], [2, 3]);
        Assert.Equal(before, LiveTensors);
    }

    public void Dispose() => scope.Dispose();

    private static StoredWeights Weights(params string[] names) =>
        new("a file", names.ToDictionary(name => name, name => new StoredWeight([2, 3], () => ones(2, 3))));
}
