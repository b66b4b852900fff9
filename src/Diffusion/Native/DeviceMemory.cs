using TorchSharp;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>The memory that a run may use.</summary>
internal static class DeviceMemory
{
    /// <summary>Memory of this machine in bytes, or its container's limit.</summary>
    public static long Machine => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>
    /// Free memory of a GPU in bytes; null for other devices, or if the driver does not say. Memory that libtorch keeps for its own
    /// next allocations is not counted as free.
    /// </summary>
    public static long? FreeOf(torch.Device device) => device.type == DeviceType.CUDA ? CudaDriver.Memory(Math.Max(0, device.index))?.Free : null;
}
