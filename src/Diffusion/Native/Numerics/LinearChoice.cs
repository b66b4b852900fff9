using System.Diagnostics;
using System.Runtime.InteropServices;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native.Numerics;

/// <summary>
/// Decides once for each machine whether MKL or oneDNN computes float32 linear layers, by measuring both. MKL's kernels for AMD's processors do not use
/// AVX-512, so that oneDNN is up to 1.8 times as fast on some of them and equally fast on others.
/// </summary>
/// <remarks>
/// The libraries round differently, and an interrupted run must resume with the same library to give the same bytes. Therefore a measurement counts only
/// once it is stored: it is never repeated for the same facts, and of processes that measure at the same time, all use the result that was stored first.
/// Where nothing can be stored, MKL remains, because another process could measure something else.
/// </remarks>
internal static class LinearChoice
{
    /// <summary>
    /// oneDNN is chosen if it is at least this many times as fast, twice in a row: far enough above 1 for other processes not to decide, because machines
    /// with the same processor should choose the same.
    /// </summary>
    internal const double Margin = 1.4;

    // Increase this when a new measurement is necessary.
    private const int Version = 2;

    private const int Rounds = 4;

    // Positions, inputs and outputs of typical layers of a U-Net: 0.8 to 1.7 GFLOP each.
    private static readonly (long Rows, long Inputs, long Outputs)[] Shapes = [(1024, 640, 640), (256, 1280, 1280), (1024, 320, 2560)];

    /// <summary>Decides for the CPU, in about 0.3 seconds if the decision is not stored yet. libtorch must be loaded.</summary>
    /// <param name="verdict">The result of the numerics check.</param>
    public static LinearLibrary Decide(NumericsVerdict verdict) =>
        verdict == NumericsVerdict.Right && RuntimeInformation.ProcessArchitecture == Architecture.X64
            ? Decide(MachineFacts.Of($"linear {Version}", CPU), UserCache.Folder("native"), Advantage, IsRight)
            : LinearLibrary.Mkl;

    /// <summary>The name of the library that computes float32 linear layers on a device; null if there is no choice. The device must have been checked.</summary>
    public static string? Describe(Device device) =>
        device.type != DeviceType.CPU || RuntimeInformation.ProcessArchitecture != Architecture.X64 ? null
        : LinearKernels.Library == LinearLibrary.OneDnn ? "oneDNN" : "MKL";

    /// <summary>Returns the stored decision, or measures and stores it.</summary>
    /// <param name="facts">The facts that the decision depends on.</param>
    /// <param name="folder">Directory of the cache; null if there is none.</param>
    /// <param name="advantage">Measures how many times as fast as MKL oneDNN is.</param>
    /// <param name="isRight">Checks that oneDNN computes correctly.</param>
    internal static LinearLibrary Decide(string facts, string? folder, Func<double> advantage, Func<bool> isRight)
    {
        var record = new MachineRecord(folder, "linear", facts);
        if (folder is null)
            return LinearLibrary.Mkl;
        return record.Read<LinearLibrary>()
            ?? record.WriteFirst(advantage() >= Margin && advantage() >= Margin && isRight() ? LinearLibrary.OneDnn : LinearLibrary.Mkl)
            ?? LinearLibrary.Mkl;
    }

    /// <summary>
    /// Measures how many times as fast as MKL oneDNN is: the smaller of the ratios of elapsed time and of processor time. Other processes disturb the
    /// first, and threads that wait for each other the second.
    /// </summary>
    internal static double Advantage()
    {
        using var guard = no_grad();
        var (mkl, oneDnn) = (new Cost(), new Cost());
        foreach (var (rows, inputs, outputs) in Shapes)
        {
            using var scope = NewDisposeScope();
            var (x, matrix, bias) = (ones(rows, inputs), ones(outputs, inputs), ones(outputs));
            var (bestOfMkl, bestOfOneDnn) = (Cost.Unknown, Cost.Unknown);
            // Alternately, so that a change of the clock affects both. The fastest rounds count: the first one also prepares the kernels.
            for (var round = 0; round < Rounds; round++)
            {
                bestOfMkl = Cost.Of(() => nn.functional.linear(x, matrix, bias)).Best(bestOfMkl);
                bestOfOneDnn = Cost.Of(() => LinearProduct.ByConvolution(x, matrix, bias)).Best(bestOfOneDnn);
            }
            (mkl, oneDnn) = (mkl.Plus(bestOfMkl), oneDnn.Plus(bestOfOneDnn));
        }
        return Math.Min(mkl.Elapsed / oneDnn.Elapsed, mkl.Processor / oneDnn.Processor);
    }

    private static bool IsRight() => NumericsCheck.Compare(CheckedOperation.LinearByConvolution(256, 320, 640), ScalarType.Float32, CPU).All(comparison => comparison.IsRight);

    private readonly record struct Cost(TimeSpan Elapsed, TimeSpan Processor)
    {
        public static Cost Unknown => new(TimeSpan.MaxValue, TimeSpan.MaxValue);

        public static Cost Of(Func<Tensor> product)
        {
            var (start, before) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            product().Dispose();
            return new(Stopwatch.GetElapsedTime(start), Environment.CpuUsage.TotalTime - before);
        }

        public Cost Best(Cost other) => new(Shorter(Elapsed, other.Elapsed), Shorter(Processor, other.Processor));

        public Cost Plus(Cost other) => new(Elapsed + other.Elapsed, Processor + other.Processor);

        private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
    }
}
