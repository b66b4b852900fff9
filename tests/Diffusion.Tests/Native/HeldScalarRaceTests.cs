using System.Diagnostics;
using PromptToPrompt.Diffusion.Native;
using TorchSharp;
using static PromptToPrompt.Diffusion.Native.HeldScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Native;

/// <summary>
/// The operations of <see cref="HeldScalar"/> while another thread collects garbage and lets finalizers run as fast as it can. TorchSharp's
/// own forms (<c>a + b</c>, <c>square()</c>, <c>ToDouble()</c> …) in their place fail here within the time, or end the process.
/// </summary>
public class HeldScalarRaceTests
{
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(1.2);

    // Operands of two kinds, and many elements, so that libtorch converts one of them before it reads the scalar.
    private const int Elements = 20000;

    public static TheoryData<string> Operations() => [.. Forms.Keys];

    private static readonly Dictionary<string, Func<Tensor, Tensor, bool>> Forms = new()
    {
        ["a tensor added"] = (whole, real) => First(whole.Plus(real)) == 5,
        ["a number added"] = (whole, _) => First(whole.Plus(Held(0.5))) == 3.5,
        ["a tensor added in place"] = (whole, real) => First(real.clone().AddInPlace(whole)) == 5,
        ["a number added in place"] = (_, real) => First(real.clone().AddInPlace(Held(0.5))) == 2.5,
        ["a square"] = (_, real) => First(real.Squared()) == 4,
        ["a complement"] = (_, real) => First(OneMinus(real)) == -1,
        ["a factor"] = (whole, _) => First(whole * Held(0.5)) == 1.5,
        ["a number read"] = (_, real) => Enumerable.Range(0, 100).All(_ => real[0].ReadDouble() == 2),
        ["an answer read"] = (_, real) => Enumerable.Range(0, 100).All(_ => real[0].to(ScalarType.Bool).ReadBoolean()),
    };

    [Theory]
    [MemberData(nameof(Operations))]
    public void Collections_change_nothing(string operation)
    {
        var form = Forms[operation];
        using var scope = NewDisposeScope();
        var (whole, real) = (full([Elements], Held(3), ScalarType.Int32), full([Elements], Held(2.0)));
        var done = false;
        var collector = new Thread(() =>
        {
            while (!Volatile.Read(ref done))
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            for (var watch = Stopwatch.StartNew(); watch.Elapsed < Span;)
            {
                using var inner = NewDisposeScope();
                Assert.True(form(whole, real));
            }
        }
        finally
        {
            Volatile.Write(ref done, true);
            collector.Join();
        }
    }

    private static float First(Tensor tensor) => tensor.data<float>()[0];
}
