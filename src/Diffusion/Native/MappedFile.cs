using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// A file mapped into memory, whose parts can become CPU tensors without copying.
/// </summary>
/// <remarks>
/// <para>Each tensor keeps the mapping alive: it ends when the file and all tensors on it are disposed, in any order.</para>
/// <para>The mapping is private (copy-on-write): writing to a tensor changes this process's memory, never the file; with a read-only
/// mapping it would crash the process. Pages are read on first use, and unmodified pages are shared with the system's
/// cache. Like every mapping, it requires that the file is not truncated meanwhile; replacing it by a rename is safe.</para>
/// </remarks>
internal sealed unsafe class MappedFile : IDisposable
{
    /// <summary>The mapping of each tensor address. libtorch's deleter receives only the address.</summary>
    private static readonly Dictionary<nint, (SafeHandle Mapping, int Tensors)> Holders = [];

    private readonly SafeHandle mapping;
    private readonly nint start;

    private MappedFile(SafeHandle mapping, nint start, long length) => (this.mapping, this.start, Length) = (mapping, start, length);

    /// <summary>Length of the file in bytes.</summary>
    public long Length { get; }

    /// <summary>Maps a file that is not empty.</summary>
    public static MappedFile Open(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 1);
        var length = stream.Length;
        using var file = MemoryMappedFile.CreateFromFile(
            stream, mapName: null, length, MemoryMappedFileAccess.CopyOnWrite, HandleInheritability.None, leaveOpen: true);
        // Not disposed here: the view's handle stays alive in the mapping, and the view object owns nothing else.
        var view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.CopyOnWrite);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        // Only the pointer's value is needed; reference counts on the handle keep it valid.
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        return new MappedFile(view.SafeMemoryMappedViewHandle, (nint)(start + view.PointerOffset), length);
    }

    /// <summary>A part of the file as bytes. Valid until the file is disposed.</summary>
    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        CheckRange(offset, length);
        return new ReadOnlySpan<byte>((void*)(start + (nint)offset), length);
    }

    /// <summary>
    /// A flat CPU tensor over a part of the file: on the mapping itself if the part is aligned for its type, else a copy.
    /// </summary>
    /// <param name="offset">Start of the part, in bytes.</param>
    /// <param name="count">Number of elements.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="size">Bytes per element.</param>
    public Tensor Tensor(long offset, long count, ScalarType type, int size)
    {
        CheckRange(offset, checked(count * size));
        LibTorch.EnsureLoaded();
        if (count == 0)
            return empty(0, dtype: type, device: CPU);
        var address = start + (nint)offset;
        if (address % size != 0)
        {
            var copy = empty(count, dtype: type, device: CPU);
            Buffer.MemoryCopy((void*)address, (void*)TensorMemory.Address(copy), count * size, count * size);
            return copy;
        }
        Hold(address);
        return TensorMemory.Wrap(address, count, type, &Release);
    }

    /// <summary>Ends the mapping as soon as no tensor uses it.</summary>
    public void Dispose() => mapping.Dispose();

    private void CheckRange(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(mapping.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
    }

    private void Hold(nint address)
    {
        lock (Holders)
        {
            var held = false;
            mapping.DangerousAddRef(ref held);
            // Two tensors at one address are on the same mapping: an address is not reused while a tensor holds it.
            ref var holder = ref CollectionsMarshal.GetValueRefOrAddDefault(Holders, address, out _);
            holder = (mapping, holder.Tensors + 1);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(nint address)
    {
        lock (Holders)
        {
            (var mapping, var tensors) = Holders[address];
            if (tensors == 1)
                Holders.Remove(address);
            else
                Holders[address] = (mapping, tensors - 1);
            mapping.DangerousRelease();
        }
    }
}
