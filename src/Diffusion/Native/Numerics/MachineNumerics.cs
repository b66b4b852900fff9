using System.Security.Cryptography;
using System.Text;
using PromptToPrompt.Diffusion.Storage.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native.Numerics;

/// <summary>How far this machine's arithmetic can be trusted.</summary>
internal enum NumericsVerdict
{
    /// <summary>Every operation agrees with float64.</summary>
    Right,

    /// <summary>The CPU's fast kernels (oneDNN) are wrong here and switched off; the others are right, and slower.</summary>
    RightWithoutOneDnn,

    /// <summary>Something is wrong, and the user wants to go on all the same.</summary>
    Ignored,
}

/// <summary>libtorch computes wrongly on this machine. The message is one sentence: which operation, by how much, and what to do.</summary>
/// <param name="message">The sentence.</param>
public sealed class WrongNumericsException(string message) : Exception(message);

/// <summary>
/// Makes sure once for each processor, libtorch and device that operations are right (<see cref="NumericsCheck"/>), and remembers it in the
/// user's cache. A program that computes garbage on some machine must not do so without a word.
/// </summary>
internal static class MachineNumerics
{
    /// <summary>The environment variable that, set to 1, lets a run go on where numbers are wrong.</summary>
    public const string IgnoreVariable = "P2P_IGNORE_NUMERICS";

    // To be raised when the check looks at more.
    private const int Version = 1;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, NumericsVerdict> Known = [];

    /// <summary>Requires right numbers from a device. The first call on a machine takes about a second, later ones nothing.</summary>
    /// <param name="device">The CPU or a GPU. The meta device computes nothing and is right.</param>
    /// <exception cref="WrongNumericsException">Something is wrong.</exception>
    /// <exception cref="LibTorchLoadException">libtorch cannot be loaded here.</exception>
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
            return verdict;
        }
    }

    /// <summary>Checks a device whatever was remembered, and remembers the new outcome.</summary>
    /// <param name="device">The CPU or a GPU.</param>
    /// <param name="report">What was compared as runs would compute it by default.</param>
    /// <exception cref="WrongNumericsException">Something is wrong.</exception>
    /// <exception cref="LibTorchLoadException">libtorch cannot be loaded here.</exception>
    public static NumericsVerdict Check(Device device, out NumericsReport report)
    {
        LibTorch.EnsureLoaded();
        var facts = Facts(device);
        lock (Gate)
        {
            NumericsReport? first = null;
            Known.Remove(facts);
            Known[facts] = Decide(device, facts, Run, isAsked: true);
            report = first!;
            return Known[facts];

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

    /// <summary>Reads what was remembered, or checks and remembers.</summary>
    /// <param name="facts">What the outcome depends on.</param>
    /// <param name="folder">Where outcomes are kept; null where there is no cache, and then every process checks.</param>
    /// <param name="check">The check.</param>
    /// <param name="useOneDnn">Switches oneDNN on or off; false where that cannot be done.</param>
    /// <param name="isIgnored">Whether faults are to be ignored.</param>
    /// <param name="isAsked">Whether the check is wanted for itself, so that what was remembered counts for nothing.</param>
    /// <exception cref="WrongNumericsException">Something is wrong, with and without oneDNN.</exception>
    internal static NumericsVerdict Decide(string facts, string? folder, Func<NumericsReport> check, Func<bool, bool> useOneDnn, bool isIgnored, bool isAsked = false)
    {
        var record = folder is null ? null : Path.Combine(folder, $"numerics-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(facts)))[..16]}.txt");
        if (!isAsked && Remembered(record, facts) is { } verdict)
        {
            _ = useOneDnn(verdict == NumericsVerdict.Right);
            return verdict;
        }
        // For other facts, such as another number of threads, it may have been switched off.
        _ = useOneDnn(true);
        var report = check();
        if (report.IsRight)
            return Remember(record, facts, NumericsVerdict.Right);
        if (useOneDnn(false))
        {
            if (check().IsRight)
                return Remember(record, facts, NumericsVerdict.RightWithoutOneDnn);
            _ = useOneDnn(true);
        }
        Forget(record);
        return isIgnored ? NumericsVerdict.Ignored : throw new WrongNumericsException(
            $"libtorch produces incorrect results on this machine ({Processor.Name}): {report}. Pictures would be wrong, too. "
            + $"Use another libtorch or machine, or set {IgnoreVariable}=1 to continue anyway (docs/verification.md).");
    }

    private static NumericsVerdict? Remembered(string? record, string facts)
    {
        try
        {
            // In full, because the name holds a part of their hash only.
            return record is not null && File.Exists(record) && File.ReadAllText(record).Split('\n', 2) is [var verdict, var rest] && rest == facts
                && Enum.TryParse<NumericsVerdict>(verdict, out var known) && known != NumericsVerdict.Ignored ? known : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Wrong numbers are not remembered: another libtorch or a repaired machine is to be noticed.
    private static void Forget(string? record)
    {
        try
        {
            if (record is not null)
                File.Delete(record);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A cache that cannot be written.
        }
    }

    private static NumericsVerdict Remember(string? record, string facts, NumericsVerdict verdict)
    {
        try
        {
            if (record is not null)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(record)!);
                AtomicFile.WriteText(record, $"{verdict}\n{facts}");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidInputException)
        {
            // A cache that cannot be written costs the next run a second.
        }
        return verdict;
    }

    // One a line, readable for people who look into the file.
    private static string Facts(Device device)
    {
        var library = LibTorch.CoreFile is { } path ? new FileInfo(path) : null;
        string[] kernels = ["ATEN_", "DNNL_", "MKL_", "ONEDNN_"];
        var variables = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(variable => $"{variable.Key}={variable.Value}")
            .Where(variable => kernels.Any(kernel => variable.StartsWith(kernel, StringComparison.Ordinal))).Order(StringComparer.Ordinal);
        return string.Join('\n',
        [
            $"check {Version}", $"processor {Processor.Name}", $"libtorch of {library?.Length} bytes, {library?.LastWriteTimeUtc:O}, kernels {LibTorch.Kernels}",
            $"device {ComputeDevice.Describe(device)}", get_num_threads() > 1 ? "several threads" : "one thread", .. variables,
        ]);
    }
}
