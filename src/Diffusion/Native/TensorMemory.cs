using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>Direct access to tensor memory, which TorchSharp only exposes by copying or in pieces of 2 GB.</summary>
internal static unsafe partial class TensorMemory
{
    private const string Wrapper = "LibTorchSharp";
    private const int CpuDevice = 0;

    /// <summary>
    /// Wraps existing memory in a flat CPU tensor of <paramref name="count"/> elements, without copying. libtorch must be loaded.
    /// </summary>
    /// <param name="address">Address of the first element, aligned to the type's size.</param>
    /// <param name="count">Number of elements, at least 1.</param>
    /// <param name="type">Type of the elements in memory.</param>
    /// <param name="release">Called once with <paramref name="address"/> when the last tensor on this memory is freed, on any
    /// thread.</param>
    public static Tensor Wrap(nint address, long count, ScalarType type, delegate* unmanaged[Cdecl]<nint, void> release)
    {
        var tensor = FromBuffer(address, release, count, 0, (sbyte)type, (sbyte)type, CpuDevice, 0, requiresGrad: 0);
        if (tensor == 0)
            CheckForErrors();
        return Tensor.UnsafeCreateTensor(tensor);
    }

    /// <summary>The address of the first element, valid while the tensor is alive.</summary>
    public static nint Address(Tensor tensor)
    {
        var address = Data(tensor.Handle);
        CheckForErrors();
        return address;
    }

    /// <summary>Writes the elements of a contiguous CPU tensor to a stream, as stored in memory.</summary>
    public static void CopyTo(Tensor tensor, Stream stream)
    {
        var from = (byte*)Address(tensor);
        // A span holds at most 2 GB.
        for (var left = tensor.numel() * tensor.element_size(); left > 0;)
        {
            var length = (int)Math.Min(left, 1 << 30);
            stream.Write(new ReadOnlySpan<byte>(from, length));
            from += length;
            left -= length;
        }
        GC.KeepAlive(tensor);
    }

    // THSTensor_frombuffer(void* data, void (*deleter)(void*), int64_t count, ptrdiff_t offset, int8_t scalar_type, int8_t dtype,
    // int32_t device_type, int32_t device_index, bool requires_grad). With both types equal it is at::from_blob.
    [LibraryImport(Wrapper, EntryPoint = "THSTensor_frombuffer")]
    private static partial nint FromBuffer(
        nint data, delegate* unmanaged[Cdecl]<nint, void> deleter, long count, nint offset, sbyte type, sbyte dtype, int deviceType, int deviceIndex, byte requiresGrad);

    [LibraryImport(Wrapper, EntryPoint = "THSTensor_data")]
    private static partial nint Data(nint tensor);
}
