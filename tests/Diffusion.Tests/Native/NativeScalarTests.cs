using System.Runtime.CompilerServices;
using PromptToPrompt.Diffusion.Native;
using TorchSharp;

namespace PromptToPrompt.Diffusion.Tests.Native;

public class NativeScalarTests
{
    [Fact]
    public void OutlivesACollectionThatComesBeforeTheOperation()
    {
        var scalar = Make();
        Collect();
        Assert.True(Lives(scalar));
        for (var i = 0; i < 64; i++)
            NativeScalar.Scalar(i);
        Collect();
        Assert.False(Lives(scalar));
    }

    [Fact]
    public void KeepsTheKindOfNumber()
    {
        using var counts = torch.tensor(new long[] { 3, 4 });
        using var twice = counts * NativeScalar.Scalar(2);
        using var half = counts * NativeScalar.Scalar(0.5);
        Assert.Equal(torch.ScalarType.Int64, twice.dtype);
        Assert.Equal([6, 8], twice.data<long>().ToArray());
        Assert.Equal([1.5f, 2f], half.data<float>().ToArray());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference<Scalar> Make() => new(NativeScalar.Scalar(0.5));

    // In a method of its own: what a method has looked at can stay alive until it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Lives(WeakReference<Scalar> scalar) => scalar.TryGetTarget(out _);

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }
}
