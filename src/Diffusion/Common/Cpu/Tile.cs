using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Lane = System.Runtime.Intrinsics.Vector256<float>;

namespace PromptToPrompt.Diffusion.Common.Cpu;

/// <summary>
/// The inner loops of attention on small matrices: products whose result, <see cref="Rows"/> × <see cref="Width"/> numbers, stays in registers until it is complete, and
/// transpositions. The sixteen vector registers of AVX2 hold twelve sums, a row of the right factor and a number of the left one; four rows are as few as keep the loads
/// from being the limit.
/// </summary>
internal static unsafe class Tile
{
    /// <summary>Numbers in a vector.</summary>
    public const int Lanes = 8;

    /// <summary>Rows of a product.</summary>
    public const int Rows = 4;

    /// <summary>Columns of a product: three vectors.</summary>
    public const int Width = 3 * Lanes;

    /// <summary>Whether the processor has the instructions that make these loops worthwhile.</summary>
    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    /// <summary>The least multiple of <see cref="Rows"/> that is not below a number.</summary>
    public static int WholeRows(int count) => (count + Rows - 1) / Rows * Rows;

    /// <summary>The least multiple of <see cref="Width"/> that is not below a number.</summary>
    public static int WholeWidths(int count) => (count + Width - 1) / Width * Width;

    /// <summary>c[i, j] = Σₚ a[i, p]·b[p, j], or adds this to c.</summary>
    /// <param name="a">a[0, 0].</param>
    /// <param name="aRow">Distance between rows of a, in numbers.</param>
    /// <param name="aStep">Distance between columns of a.</param>
    /// <param name="b">b[0, 0]; each row is contiguous.</param>
    /// <param name="bRow">Distance between rows of b.</param>
    /// <param name="depth">Number of products in a sum.</param>
    /// <param name="c">c[0, 0]; each row is contiguous.</param>
    /// <param name="cRow">Distance between rows of c.</param>
    /// <param name="adds">Whether to add to c.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, nint aRow, nint aStep, float* b, nint bRow, int depth, float* c, nint cRow, bool adds)
    {
        Lane c00 = default, c01 = default, c02 = default, c10 = default, c11 = default, c12 = default;
        Lane c20 = default, c21 = default, c22 = default, c30 = default, c31 = default, c32 = default;
        var lastRow = 3 * aRow;
        for (var p = 0; p < depth; p++)
        {
            var (b0, b1, b2) = (Vector256.Load(b), Vector256.Load(b + Lanes), Vector256.Load(b + (2 * Lanes)));
            var x = Vector256.Create(*a);
            c00 = Vector256.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(x, b1, c01);
            c02 = Vector256.FusedMultiplyAdd(x, b2, c02);
            x = Vector256.Create(a[aRow]);
            c10 = Vector256.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(x, b1, c11);
            c12 = Vector256.FusedMultiplyAdd(x, b2, c12);
            x = Vector256.Create(a[2 * aRow]);
            c20 = Vector256.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(x, b1, c21);
            c22 = Vector256.FusedMultiplyAdd(x, b2, c22);
            x = Vector256.Create(a[lastRow]);
            c30 = Vector256.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(x, b1, c31);
            c32 = Vector256.FusedMultiplyAdd(x, b2, c32);
            a += aStep;
            b += bRow;
        }

        Store(c, c00, c01, c02, adds);
        Store(c + cRow, c10, c11, c12, adds);
        Store(c + (2 * cRow), c20, c21, c22, adds);
        Store(c + (3 * cRow), c30, c31, c32, adds);
    }

    /// <summary>to[j, i] = scale·from[i, j].</summary>
    /// <param name="from">from[0, 0]; each row is contiguous.</param>
    /// <param name="fromRow">Distance between its rows, in numbers.</param>
    /// <param name="rows">Number of its rows.</param>
    /// <param name="columns">Number of its columns.</param>
    /// <param name="to">to[0, 0]; each row is contiguous.</param>
    /// <param name="toRow">Distance between its rows.</param>
    /// <param name="scale">The factor.</param>
    public static void Transpose(float* from, long fromRow, int rows, int columns, float* to, long toRow, float scale = 1)
    {
        var (wholeRows, wholeColumns) = (rows / Lanes * Lanes, columns / Lanes * Lanes);
        for (var i = 0; i < wholeRows; i += Lanes)
        {
            for (var j = 0; j < wholeColumns; j += Lanes)
                TransposeSquare(from + (i * fromRow) + j, fromRow, to + (j * toRow) + i, toRow, scale);
        }

        for (var i = 0; i < rows; i++)
        {
            for (var j = i < wholeRows ? wholeColumns : 0; j < columns; j++)
                to[(j * toRow) + i] = from[(i * fromRow) + j] * scale;
        }
    }

    // 8 × 8 numbers: pairs of rows, then pairs of pairs, then halves.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeSquare(float* from, long fromRow, float* to, long toRow, float scale)
    {
        var factor = Vector256.Create(scale);
        for (var half = 0; half < 2; half++)
        {
            var first = from + (4 * half);
            var second = first + (4 * fromRow);
            // Four numbers of rows 0 to 3 beside four of rows 4 to 7.
            var (r0, r1, r2, r3) = (Beside(first, second), Beside(first + fromRow, second + fromRow), Beside(first + (2 * fromRow), second + (2 * fromRow)), Beside(first + (3 * fromRow), second + (3 * fromRow)));
            var (low01, high01, low23, high23) = (Avx.UnpackLow(r0, r1), Avx.UnpackHigh(r0, r1), Avx.UnpackLow(r2, r3), Avx.UnpackHigh(r2, r3));
            (Avx.Shuffle(low01, low23, 0b01_00_01_00) * factor).Store(to);
            (Avx.Shuffle(low01, low23, 0b11_10_11_10) * factor).Store(to + toRow);
            (Avx.Shuffle(high01, high23, 0b01_00_01_00) * factor).Store(to + (2 * toRow));
            (Avx.Shuffle(high01, high23, 0b11_10_11_10) * factor).Store(to + (3 * toRow));
            to += 4 * toRow;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lane Beside(float* low, float* high) => Vector256.Create(Vector128.Load(low), Vector128.Load(high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* c, Lane first, Lane second, Lane third, bool adds)
    {
        if (adds)
        {
            first += Vector256.Load(c);
            second += Vector256.Load(c + Lanes);
            third += Vector256.Load(c + (2 * Lanes));
        }

        first.Store(c);
        second.Store(c + Lanes);
        third.Store(c + (2 * Lanes));
    }
}
