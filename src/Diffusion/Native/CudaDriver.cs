using System.Runtime.InteropServices;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Queries NVIDIA's driver directly, because TorchSharp exposes only the number of GPUs. Without a driver, no GPUs are found.
/// </summary>
internal static unsafe class CudaDriver
{
    private const string Library = "libcuda.so.1";
    private const int NameLength = 256;

    private static readonly Lazy<(nint Handle, string? Problem)> Driver = new(Start);

    /// <summary>The reason why the driver cannot be used, as a short phrase; null if it can.</summary>
    public static string? Problem => Driver.Value.Problem;

    /// <summary>The GPUs available to this process, in libtorch's order.</summary>
    public static IReadOnlyList<Gpu> Gpus()
    {
        int count;
        return Problem is null && ((delegate* unmanaged<int*, int>)Function("cuDeviceGetCount"))(&count) == 0
            ? [.. Enumerable.Range(0, count).Select(Describe)]
            : [];
    }

    /// <summary>Free and total memory of a GPU in bytes; null if unknown.</summary>
    public static (long Free, long Total)? Memory(int index)
    {
        int device;
        nint context;
        if (Problem is not null || ((delegate* unmanaged<int*, int, int>)Function("cuDeviceGet"))(&device, index) != 0
            || ((delegate* unmanaged<nint*, int, int>)Function("cuDevicePrimaryCtxRetain"))(&context, device) != 0)
        {
            return null;
        }

        // libtorch uses the primary context.
        nuint free, total;
        _ = ((delegate* unmanaged<nint, int>)Function("cuCtxPushCurrent_v2"))(context);
        var failed = ((delegate* unmanaged<nuint*, nuint*, int>)Function("cuMemGetInfo_v2"))(&free, &total);
        _ = ((delegate* unmanaged<nint*, int>)Function("cuCtxPopCurrent_v2"))(&context);
        _ = ((delegate* unmanaged<int, int>)Function("cuDevicePrimaryCtxRelease_v2"))(device);
        return failed == 0 ? ((long)free, (long)total) : null;
    }

    private static Gpu Describe(int index)
    {
        int device;
        nuint memory = 0;
        var name = stackalloc byte[NameLength];
        _ = ((delegate* unmanaged<int*, int, int>)Function("cuDeviceGet"))(&device, index);
        _ = ((delegate* unmanaged<byte*, int, int, int>)Function("cuDeviceGetName"))(name, NameLength, device);
        _ = ((delegate* unmanaged<nuint*, int, int>)Function("cuDeviceTotalMem_v2"))(&memory, device);
        return new Gpu(index, Marshal.PtrToStringUTF8((nint)name)!, (long)memory);
    }

    private static (nint Handle, string? Problem) Start()
    {
        if (!NativeLibrary.TryLoad(Library, out var handle))
            return (0, $"NVIDIA's driver is not installed ({Library} was not found)");
        var code = ((delegate* unmanaged<uint, int>)NativeLibrary.GetExport(handle, "cuInit"))(0);
        return (handle, code == 0 ? null : $"NVIDIA's driver cannot be initialized (cuInit returned {code})");
    }

    private static nint Function(string name) => NativeLibrary.GetExport(Driver.Value.Handle, name);
}
