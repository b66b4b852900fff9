using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// How much memory recorded sources may take unless a limit is given. On a GPU they take what it has free except a reserve; beyond that
/// they are kept in the machine's memory and copied to the GPU when an edit reads them.
/// </summary>
/// <param name="OnDevice">Bytes on the device.</param>
/// <param name="OnHost">Further bytes in the machine's memory, for a GPU.</param>
internal readonly record struct RecordingLimit(long OnDevice, long OnHost = 0)
{
    /// <summary>Most bytes on a CPU.</summary>
    public const long MostOnCpu = 6L << 30;

    /// <summary>Bytes of a GPU that stay free, for the feature maps of a step and of decoding.</summary>
    public const long Reserve = 4L << 30;

    /// <summary>Bytes in all.</summary>
    public long Total => OnDevice + OnHost;

    /// <summary>The limit of a device at this moment.</summary>
    public static RecordingLimit Of(Device device) => For(DeviceMemory.FreeOf(device), DeviceMemory.Machine);

    /// <summary>The limit for an amount of memory.</summary>
    /// <param name="free">Free bytes of the GPU; null for a CPU.</param>
    /// <param name="machine">Bytes of the machine.</param>
    internal static RecordingLimit For(long? free, long machine) =>
        free is { } bytes ? new(Math.Max(0, bytes - Reserve), machine / 2) : new(Math.Min(MostOnCpu, machine / 2));
}
