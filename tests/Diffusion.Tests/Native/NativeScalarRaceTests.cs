using PromptToPrompt.Diffusion.Native;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Native;

/// <summary>
/// The operations of <see cref="NativeScalar"/> while another thread collects garbage and waits for finalizers without a pause. TorchSharp's own
/// forms (<c>a + b</c>, <c>square()</c>, …) in their place fail here, though not in every run on a busy machine.
/// </summary>
[Trait("Category", "Slow")]
public class NativeScalarRaceTests
{
    private static readonly Dictionary<string, Func<Tensor, Tensor, bool>> Operations = new()
    {
        ["a tensor added"] = (whole, real) => First(whole.Plus(real)) == 5,
        ["a number added"] = (whole, _) => First(whole.Plus(Scalar(0.5))) == 3.5,
        ["a tensor added in place"] = (whole, real) => First(real.clone().AddInPlace(whole)) == 5,
        ["a number added in place"] = (_, real) => First(real.clone().AddInPlace(Scalar(0.5))) == 2.5,
        ["a square"] = (_, real) => First(real.Squared()) == 4,
        ["a complement"] = (_, real) => First(OneMinus(real)) == -1,
        ["a factor"] = (whole, _) => First(whole * Scalar(0.5)) == 1.5,
        ["a number read"] = (_, real) => real[0].ReadDouble() == 2,
    };

    [Fact]
    public void CollectionsChangeNothing()
    {
        using var scope = NewDisposeScope();
        var (whole, real) = (full([4], Scalar(3), ScalarType.Int32), full([4], Scalar(2.0)));
        var done = false;
        var collector = new Thread(() =>
        {
            while (!Volatile.Read(ref done))
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        // Code that has run a few times only is not optimized yet and keeps everything alive until it returns.
        Run(rounds: 1_500);
        collector.Start();
        try
        {
            Run(rounds: 1_500);
        }
        finally
        {
            Volatile.Write(ref done, true);
            collector.Join();
        }

        void Run(int rounds)
        {
            for (var round = 0; round < rounds; round++)
            {
                foreach (var (name, holds) in Operations)
                {
                    using var inner = NewDisposeScope();
                    for (var i = 0; i < 8; i++)
                        Assert.True(holds(whole, real), name);
                }
            }
        }
    }

    private static float First(Tensor tensor) => tensor.data<float>()[0];
}
