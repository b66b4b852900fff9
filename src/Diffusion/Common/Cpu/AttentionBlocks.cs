using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Lane = System.Runtime.Intrinsics.Vector256<float>;

namespace PromptToPrompt.Diffusion.Common.Cpu;

/// <summary>The attention of some queries to the keys of one head, by one thread.</summary>
/// <remarks>
/// Blocks of scores, [keys, <see cref="Tile.Width"/> queries], are turned into powers of 2 relative to the largest score so far; when a later block has a larger one, the sums
/// so far are scaled down to it. Exponents are of base 2, because exp(x) = 2^(x·log₂e) and the factor joins the 1/√d of the queries.
/// </remarks>
internal sealed unsafe class AttentionBlocks : IDisposable
{
    private readonly int keys;
    private readonly int width;
    private readonly int valueWidth;
    private readonly AlignedMemory memory;
    private readonly MatrixRows keyRows;
    private readonly MatrixRows valueRows;
    private readonly float* columns;
    private readonly float* scores;
    private readonly float* sums;
    private readonly float* largest;
    private readonly float* totals;

    /// <summary>Prepares for heads of a shape.</summary>
    public AttentionBlocks(int keys, int width, int valueWidth)
    {
        (this.keys, this.width, this.valueWidth) = (keys, width, valueWidth);
        var allKeys = Tile.WholeRows(keys);
        const int Block = AttentionKernel.QueryBlock, Scores = AttentionKernel.KeyBlock * Tile.Width;
        memory = new AlignedMemory([(long)allKeys * width, (long)allKeys * valueWidth, Block * width, Scores, Block * valueWidth, Block, Block]);
        keyRows = new(memory.At(0), width);
        valueRows = new(memory.At(1), valueWidth);
        columns = memory.At(2);
        scores = memory.At(3);
        sums = memory.At(4);
        largest = memory.At(5);
        totals = memory.At(6);
    }

    /// <summary>The factor of the queries: 1/√width, and log₂e for powers of 2.</summary>
    public static float Scale(int width) => (float)(Math.Log2(Math.E) / Math.Sqrt(width));

    /// <summary>Copies a head's keys and values, so that they are adjacent in memory. Zeros complete the last tile.</summary>
    public void Take(MatrixRows fromKeys, MatrixRows fromValues)
    {
        Copy(fromKeys, keys, width, keyRows, Tile.WholeRows(keys));
        Copy(fromValues, keys, valueWidth, valueRows, Tile.WholeRows(keys));
    }

    /// <summary>Copies rows to a matrix whose rows are adjacent, and clears the rest of it.</summary>
    public static void Copy(MatrixRows from, int rows, int width, MatrixRows to, int allRows)
    {
        for (var i = 0; i < allRows; i++)
        {
            var row = new Span<float>(to[i], (int)to.Step);
            if (i < rows)
                new Span<float>(from[i], width).CopyTo(row);
            row[(i < rows ? width : 0)..].Clear();
        }
    }

    /// <summary>Computes at most <see cref="AttentionKernel.QueryBlock"/> queries.</summary>
    /// <param name="queries">The queries.</param>
    /// <param name="count">Number of queries.</param>
    /// <param name="results">Receives the results.</param>
    /// <param name="exponents">Receives log₂ of each query's sum; null for none.</param>
    public void Attend(MatrixRows queries, int count, MatrixRows results, float* exponents)
    {
        var all = Tile.WholeWidths(count);
        ToColumns(queries, count, width, columns, Scale(width));
        new Span<float>(largest, all).Fill(float.NegativeInfinity);
        new Span<float>(totals, all).Clear();
        new Span<float>(sums, all * valueWidth).Clear();
        for (var first = 0; first < keys; first += AttentionKernel.KeyBlock)
        {
            var some = Math.Min(AttentionKernel.KeyBlock, keys - first);
            for (var query = 0; query < all; query += Tile.Width)
            {
                for (var i = 0; i < some; i += Tile.Rows)
                    Tile.Multiply(keyRows[first + i], width, 1, columns + (query * width), Tile.Width, width, scores + (i * Tile.Width), Tile.Width, adds: false);
                ToPowers(some, largest + query, totals + query, sums + (query * valueWidth));
                for (var x = 0; x < valueWidth; x += Tile.Rows)
                    Tile.Multiply(valueRows[first] + x, 1, valueWidth, scores, Tile.Width, some, sums + (query * valueWidth) + (x * Tile.Width), Tile.Width, adds: true);
            }
        }

        for (var i = 0; exponents != null && i < count; i++)
            exponents[i] = largest[i] + MathF.Log2(totals[i]);
        Divide(all);
        FromColumns(sums, count, valueWidth, results);
    }

    /// <summary>Rows → tiles of <see cref="Tile.Width"/> columns each, [width, tile]; zeros complete the last tile.</summary>
    public static void ToColumns(MatrixRows rows, int count, int width, float* columns, float scale)
    {
        for (var first = 0; first < count; first += Tile.Width, columns += width * Tile.Width)
        {
            var some = Math.Min(Tile.Width, count - first);
            if (some < Tile.Width)
                new Span<float>(columns, width * Tile.Width).Clear();
            Tile.Transpose(rows[first], rows.Step, some, width, columns, Tile.Width, scale);
        }
    }

    /// <summary>The reverse of <see cref="ToColumns"/>.</summary>
    public static void FromColumns(float* columns, int count, int width, MatrixRows rows, float scale = 1)
    {
        for (var first = 0; first < count; first += Tile.Width, columns += width * Tile.Width)
            Tile.Transpose(columns, Tile.Width, width, Math.Min(Tile.Width, count - first), rows[first], rows.Step, scale);
    }

    /// <summary>2ˣ with a relative error of at most 1.5e-7; at least 2⁻¹²⁶. NaN remains NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane PowerOf2(Lane x)
    {
        // The second operand is returned if either is NaN.
        x = Vector256.MaxNative(Vector256.Create(-126f), x);
        var whole = Vector256.Round(x);
        // A polynomial that minimizes the largest relative error between -½ and ½: 2e-9, before rounding.
        var part = x - whole;
        var y = Vector256.FusedMultiplyAdd(part, Vector256.Create(0.00015345812f), Vector256.Create(0.00133999312f));
        y = Vector256.FusedMultiplyAdd(part, y, Vector256.Create(0.00961848896f));
        y = Vector256.FusedMultiplyAdd(part, y, Vector256.Create(0.0555032878f));
        y = Vector256.FusedMultiplyAdd(part, y, Vector256.Create(0.240226469f));
        y = Vector256.FusedMultiplyAdd(part, y, Vector256.Create(0.693147206f));
        y = Vector256.FusedMultiplyAdd(part, y, Lane.One);
        const int MantissaBits = 23;
        return (y.AsInt32() + (Vector256.ConvertToInt32Native(whole) << MantissaBits)).AsSingle();
    }

    /// <inheritdoc/>
    public void Dispose() => memory.Dispose();

    // Scores → powers of 2 relative to the largest one so far. Scales the totals and sums so far to it, and adds to the totals.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ToPowers(int count, float* largest, float* totals, float* sums)
    {
        var (before0, before1, before2) = (Vector256.Load(largest), Vector256.Load(largest + Tile.Lanes), Vector256.Load(largest + (2 * Tile.Lanes)));
        var (largest0, largest1, largest2) = (before0, before1, before2);
        var end = scores + (count * Tile.Width);
        for (var x = scores; x < end; x += Tile.Width)
        {
            largest0 = Vector256.MaxNative(largest0, Vector256.Load(x));
            largest1 = Vector256.MaxNative(largest1, Vector256.Load(x + Tile.Lanes));
            largest2 = Vector256.MaxNative(largest2, Vector256.Load(x + (2 * Tile.Lanes)));
        }

        largest0.Store(largest);
        largest1.Store(largest + Tile.Lanes);
        largest2.Store(largest + (2 * Tile.Lanes));
        Lane total0 = default, total1 = default, total2 = default;
        for (var x = scores; x < end; x += Tile.Width)
        {
            var power0 = PowerOf2(Vector256.Load(x) - largest0);
            var power1 = PowerOf2(Vector256.Load(x + Tile.Lanes) - largest1);
            var power2 = PowerOf2(Vector256.Load(x + (2 * Tile.Lanes)) - largest2);
            power0.Store(x);
            power1.Store(x + Tile.Lanes);
            power2.Store(x + (2 * Tile.Lanes));
            total0 += power0;
            total1 += power1;
            total2 += power2;
        }

        var (factor0, factor1, factor2) = (PowerOf2(before0 - largest0), PowerOf2(before1 - largest1), PowerOf2(before2 - largest2));
        Vector256.FusedMultiplyAdd(Vector256.Load(totals), factor0, total0).Store(totals);
        Vector256.FusedMultiplyAdd(Vector256.Load(totals + Tile.Lanes), factor1, total1).Store(totals + Tile.Lanes);
        Vector256.FusedMultiplyAdd(Vector256.Load(totals + (2 * Tile.Lanes)), factor2, total2).Store(totals + (2 * Tile.Lanes));
        for (var x = sums; x < sums + (valueWidth * Tile.Width); x += Tile.Width)
        {
            (Vector256.Load(x) * factor0).Store(x);
            (Vector256.Load(x + Tile.Lanes) * factor1).Store(x + Tile.Lanes);
            (Vector256.Load(x + (2 * Tile.Lanes)) * factor2).Store(x + (2 * Tile.Lanes));
        }
    }

    private void Divide(int count)
    {
        for (var query = 0; query < count; query += Tile.Lanes)
        {
            var factor = Lane.One / Vector256.Load(totals + query);
            var column = sums + (query / Tile.Width * Tile.Width * valueWidth) + (query % Tile.Width);
            for (var x = 0; x < valueWidth; x++, column += Tile.Width)
                (Vector256.Load(column) * factor).Store(column);
        }
    }
}
