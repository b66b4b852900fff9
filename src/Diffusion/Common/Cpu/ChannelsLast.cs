using System.Runtime.Intrinsics;
using PromptToPrompt.Diffusion.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common.Cpu;

/// <summary>
/// Feature maps as the CPU's own kernels process them: the channels of a pixel are adjacent in memory, [B, H, W, C], and a vector holds the
/// same pixel of <see cref="Lanes"/> channels. Such a map has libtorch's shape, [B, C, H, W], with the strides of its format "channels last",
/// which libtorch's operations accept and keep.
/// </summary>
internal static unsafe class ChannelsLast
{
    /// <summary>Channels in a vector. 16 floats are a cache line; processors with shorter vectors compute them in parts.</summary>
    public const int Lanes = 16;

    /// <summary>Whether the kernels are used. Off only for measurements: of libtorch's own, and of the operations of devices that have none.</summary>
    public static bool AreUsed { get; set; } = true;

    // Less work than this is not worth waking a thread.
    private const long MinPerThread = 1 << 15;

    /// <summary>Whether the kernels can compute with these tensors: float32 in the memory of a processor with vectors of at least 8 floats.</summary>
    public static bool Suits(params ReadOnlySpan<Tensor?> operands)
    {
        foreach (var operand in operands)
        {
            if (operand is not null && (operand.device_type != DeviceType.CPU || operand.dtype != ScalarType.Float32))
                return false;
        }

        return AreUsed && Vector256.IsHardwareAccelerated;
    }

    /// <summary>Whether autograd must be able to differentiate with respect to one of these tensors.</summary>
    public static bool NeedsGradient(params ReadOnlySpan<Tensor?> operands)
    {
        foreach (var operand in operands)
        {
            if (operand is { requires_grad: true })
                return is_grad_enabled();
        }

        return false;
    }

    /// <summary>[B, C, H, W] → [B, H, W, C], contiguous; a view if the map is in this order already.</summary>
    public static Tensor Pixels(Tensor map)
    {
        using var pixels = map.permute(0, 2, 3, 1);
        return pixels.contiguous();
    }

    /// <summary>A new map, [B, C, H, W]. It is no permuted view: autograd forbids in-place operations on a view that a custom node returns.</summary>
    public static Tensor Empty(long rows, long channels, long height, long width) =>
        empty_strided([rows, channels, height, width], [height * width * channels, 1, width * channels, channels], dtype: ScalarType.Float32, device: CPU);

    /// <summary>Whether [B, C, H, W] is in this order already.</summary>
    public static bool IsMap(Tensor map)
    {
        using var pixels = map.permute(0, 2, 3, 1);
        return pixels.is_contiguous();
    }

    /// <summary>The address of a contiguous float32 tensor's first number, valid while the tensor is alive.</summary>
    public static float* Floats(Tensor tensor) => (float*)TensorMemory.Address(tensor);

    /// <summary>Runs a loop on libtorch's number of threads, each of which gets a range.</summary>
    /// <param name="count">Number of iterations.</param>
    /// <param name="cost">Numbers that an iteration reads and writes.</param>
    /// <param name="body">Processes the iterations from the first number up to, but not including, the second.</param>
    public static void Split(int count, long cost, Action<int, int> body) =>
        SplitInto((int)Math.Clamp(count * cost / MinPerThread, 1, Math.Min(count, get_num_threads())), count, body);

    /// <summary>Runs a loop in this number of parts of about equal length, at most one for each iteration, at the same time.</summary>
    internal static void SplitInto(int parts, int count, Action<int, int> body)
    {
        if (parts == 1)
            body(0, count);
        else
            Parallel.For(0, parts, i => body((int)((long)count * i / parts), (int)((long)count * (i + 1) / parts)));
    }
}
