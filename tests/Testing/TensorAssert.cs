using static TorchSharp.torch;

namespace PromptToPrompt.Testing;

/// <summary>Comparisons and counts of tensors.</summary>
public static class TensorAssert
{
    /// <summary>Tensors that this thread created and nothing has disposed. A count of the process would change when the collector finalizes those of other tests.</summary>
    public static long LiveTensors => TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    /// <summary>The same shape, and no element further from the expected one than <paramref name="tolerance"/> times the largest expected value.</summary>
    /// <param name="expected">The expected tensor.</param>
    /// <param name="actual">The actual tensor.</param>
    /// <param name="tolerance">The largest relative error. The default leaves room for sums of float32 numbers in another order.</param>
    /// <param name="what">What is compared, for the message.</param>
    public static void AssertClose(Tensor expected, Tensor actual, double tolerance = 1e-4, string what = "tensor")
    {
        Assert.Equal(expected.shape, actual.shape);
        using var scope = NewDisposeScope();
        var (error, scale) = (Largest(actual - expected), Largest(expected));
        Assert.True(error <= tolerance * scale, $"{what}: largest error {error:g3} on values up to {scale:g3}, tolerance {tolerance:g3}");
    }

    /// <summary>Some element differs by more than <paramref name="threshold"/> times the largest value.</summary>
    public static void AssertDiffers(Tensor one, Tensor other, double threshold = 1e-3)
    {
        Assert.Equal(one.shape, other.shape);
        using var scope = NewDisposeScope();
        var (difference, scale) = (Largest(one - other), Largest(one));
        Assert.True(difference > threshold * scale, $"largest difference {difference:g3} on values up to {scale:g3}");
    }

    private static double Largest(Tensor tensor) => tensor.abs().max().to(ScalarType.Float64).item<double>();
}
