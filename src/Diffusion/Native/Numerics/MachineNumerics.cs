using PromptToPrompt.Diffusion.Storage.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native.Numerics;

/// <summary>The result of the numerics check of a device.</summary>
internal enum NumericsVerdict
{
    /// <summary>All operations agree with float64.</summary>
    Right,

    /// <summary>The CPU's fast kernels (oneDNN) are incorrect and were switched off; the slower ones are correct.</summary>
    RightWithoutOneDnn,

    /// <summary>Some operations are incorrect, and the user has chosen to continue.</summary>
    Ignored,
}

/// <summary>
/// The error for incorrect results of libtorch on this machine. The message states the operation, the error, and what to do.
/// </summary>
/// <param name="message">The message.</param>
public sealed class WrongNumericsException(string message) : Exception(message);

/// <summary>
/// Checks once for each processor, libtorch and device that operations are correct (<see cref="NumericsCheck"/>), and caches the result in
/// the user's cache. A program must not silently compute garbage on some machine. With it goes the choice of the library of linear layers
/// (<see cref="LinearChoice"/>).
/// </summary>
internal static class MachineNumerics
{
    /// <summary>Environment variable that, set to 1, lets runs continue with incorrect results.</summary>
    public const string IgnoreVariable = "P2P_IGNORE_NUMERICS";

    // Increase this when the check covers more.
    private const int Version = 3;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, NumericsVerdict> Known = [];
    private static readonly Dictionary<string, LinearLibrary> KnownLinear = [];

    /// <summary>
    /// Requires correct results from a device. The first call on a machine takes about a second; later calls return a cached result.
    /// </summary>
    /// <param name="device">The CPU or a GPU. The meta device computes nothing and always passes.</param>
    /// <exception cref="WrongNumericsException">Some operation is incorrect.</exception>
    /// <exception cref="LibTorchLoadException">libtorch cannot be loaded.</exception>
    public static NumericsVerdict Require(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.type == DeviceType.META)
            return NumericsVerdict.Right;
        LibTorch.EnsureLoaded();
        var facts = Facts(device);
        lock (Gate)
        {
            if (!Known.TryGetValue(facts, out var verdict))
                Known[facts] = verdict = Decide(device, facts, () => NumericsCheck.Run(device), isAsked: false);
            ChooseLinear(device, facts, verdict);
            return verdict;
        }
    }

    /// <summary>Checks a device regardless of the cached result, and caches the new one.</summary>
    /// <param name="device">The CPU or a GPU.</param>
    /// <param name="report">The comparisons, computed with the default kernels.</param>
    /// <exception cref="WrongNumericsException">Some operation is incorrect.</exception>
    /// <exception cref="LibTorchLoadException">libtorch cannot be loaded.</exception>
    public static NumericsVerdict Check(Device device, out NumericsReport report)
    {
        LibTorch.EnsureLoaded();
        var facts = Facts(device);
        lock (Gate)
        {
            NumericsReport? first = null;
            Known.Remove(facts);
            KnownLinear.Remove(facts);
            var verdict = Known[facts] = Decide(device, facts, Run, isAsked: true);
            ChooseLinear(device, facts, verdict);
            report = first!;
            return verdict;

            NumericsReport Run()
            {
                var found = NumericsCheck.Run(device);
                first ??= found;
                return found;
            }
        }
    }

    private static NumericsVerdict Decide(Device device, string facts, Func<NumericsReport> check, bool isAsked) => Decide(
        facts, UserCache.Folder("native"), check, device.type == DeviceType.CPU ? LibTorch.UseOneDnn : _ => false,
        isIgnored: Environment.GetEnvironmentVariable(IgnoreVariable) == "1", isAsked);

    /// <summary>Returns the cached result, or checks and caches it.</summary>
    /// <param name="facts">The facts that the result depends on.</param>
    /// <param name="folder">Directory of the cache; null if there is none, so that every process checks.</param>
    /// <param name="check">The check.</param>
    /// <param name="useOneDnn">Switches oneDNN on or off; returns false if that is not possible.</param>
    /// <param name="isIgnored">Whether to ignore faults.</param>
    /// <param name="isAsked">Whether the check was requested explicitly, so that the cached result is not used.</param>
    /// <exception cref="WrongNumericsException">Some operation is incorrect with and without oneDNN.</exception>
    internal static NumericsVerdict Decide(string facts, string? folder, Func<NumericsReport> check, Func<bool, bool> useOneDnn, bool isIgnored, bool isAsked = false)
    {
        var record = new MachineRecord(folder, "numerics", facts);
        if (!isAsked && record.Read<NumericsVerdict>() is { } verdict and not NumericsVerdict.Ignored)
        {
            _ = useOneDnn(verdict == NumericsVerdict.Right);
            return verdict;
        }
        // An earlier result for other facts, such as another number of threads, may have switched it off.
        _ = useOneDnn(true);
        var report = check();
        if (report.IsRight)
            return Remember(record, NumericsVerdict.Right);
        if (useOneDnn(false))
        {
            if (check().IsRight)
                return Remember(record, NumericsVerdict.RightWithoutOneDnn);
            _ = useOneDnn(true);
        }
        // Failures are not cached, so that another libtorch or a repaired machine is noticed.
        record.Delete();
        return isIgnored ? NumericsVerdict.Ignored : throw new WrongNumericsException(
            $"libtorch produces incorrect results on this machine ({Processor.Name}): {report}. Images would be incorrect, too. "
            + $"Use another libtorch or machine, or set {IgnoreVariable}=1 to continue anyway (docs/verification.md).");
    }

    private static void ChooseLinear(Device device, string facts, NumericsVerdict verdict)
    {
        if (device.type != DeviceType.CPU)
            return;
        if (!KnownLinear.TryGetValue(facts, out var library))
            KnownLinear[facts] = library = LinearChoice.Decide(verdict);
        LinearKernels.Use(library);
    }

    // Without a writable cache, the next run takes a second longer.
    private static NumericsVerdict Remember(MachineRecord record, NumericsVerdict verdict)
    {
        record.Write(verdict);
        return verdict;
    }

    private static string Facts(Device device) => MachineFacts.Of($"check {Version}", device);
}
