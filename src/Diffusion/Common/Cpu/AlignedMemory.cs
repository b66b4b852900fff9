using System.Runtime.InteropServices;

namespace PromptToPrompt.Diffusion.Common.Cpu;

/// <summary>Arrays of floats for one thread's work, uninitialized, each of which begins at a cache line.</summary>
internal sealed unsafe class AlignedMemory : IDisposable
{
    private const int CacheLine = 64;

    private readonly void* start;
    private readonly long[] offsets;

    /// <summary>Allocates arrays of these lengths.</summary>
    public AlignedMemory(ReadOnlySpan<long> lengths)
    {
        offsets = new long[lengths.Length];
        long total = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            offsets[i] = total;
            total += (lengths[i] + (CacheLine / sizeof(float)) - 1) / (CacheLine / sizeof(float)) * (CacheLine / sizeof(float));
        }

        start = NativeMemory.AlignedAlloc((nuint)total * sizeof(float), CacheLine);
    }

    /// <summary>An array's first number.</summary>
    public float* At(int index) => (float*)start + offsets[index];

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(start);
}

/// <summary>The rows of a matrix, each of which is contiguous.</summary>
/// <param name="start">The first number.</param>
/// <param name="step">Distance between rows, in numbers.</param>
internal readonly unsafe struct MatrixRows(float* start, long step)
{
    /// <summary>Distance between rows, in numbers.</summary>
    public nint Step { get; } = (nint)step;

    /// <summary>A row's first number.</summary>
    public float* this[long row] => start + (row * Step);

    /// <summary>The rows from this one on.</summary>
    public MatrixRows From(long row) => new(this[row], Step);
}
