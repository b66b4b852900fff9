using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>
/// One matrix of a change, [rows, columns]; the columns of a convolution are inputs × height × width. It is stored as a whole, as the
/// product up·down, or with a Tucker core: Σ core[i, j, …] up[row, i] down[j, input].
/// </summary>
/// <param name="Whole">The matrix, in the shape of a weight; null if it is stored in pieces.</param>
/// <param name="Up">[outputs, rank …].</param>
/// <param name="Core">[rank, rank, height, width], or null.</param>
/// <param name="Down">[rank, inputs …].</param>
internal sealed record LoraFactor(StoredWeight? Whole, StoredWeight? Up, StoredWeight? Core, StoredWeight? Down)
{
    /// <summary>Whether <see cref="Up"/> is [rank, outputs] when there is a core, as in LoHa and LoKr.</summary>
    public bool TurnsUp { get; init; }

    /// <summary>The rank; null if the matrix is stored as a whole.</summary>
    public long? Rank => Down?.Shape[0];

    /// <summary>Whether the file contains all required pieces, and none twice.</summary>
    public bool IsComplete => Whole is null ? Up is not null && Down is { Shape.Count: > 0 } : Up is null && Core is null && Down is null;

    /// <summary>Number of rows and columns; null if the pieces do not match.</summary>
    public (long Rows, long Columns)? Size => Whole is null ? SizeOfProduct(Up!.Shape, Core?.Shape, Down!.Shape)
        : Whole.Shape is [var rows and > 0, ..] ? (rows, Whole.Count / rows)
        : null;

    private bool IsUpTurned => TurnsUp && Core is not null;

    /// <summary>The matrix in float32, [rows, columns].</summary>
    public Tensor Read()
    {
        using var scope = NewDisposeScope();
        if (Whole is not null)
            return Float(Whole).reshape(Whole.Shape[0], -1).MoveToOuterDisposeScope();
        var up = Float(Up!).flatten(1);
        var down = Float(Down!).flatten(1);
        // Multiplied from the right: the rank is small, so the intermediate results are small.
        var right = Core is null ? down : einsum("ijhw,jc->ichw", Float(Core), down).flatten(1);
        return (IsUpTurned ? up.t() : up).matmul(right).MoveToOuterDisposeScope();
    }

    /// <summary>The shapes of its pieces, for messages.</summary>
    public override string ToString() =>
        string.Join(" times ", new[] { Whole, Up, Core, Down }.OfType<StoredWeight>().Select(piece => $"[{string.Join(", ", piece.Shape)}]"));

    private (long Rows, long Columns)? SizeOfProduct(IReadOnlyList<long> up, IReadOnlyList<long>? core, IReadOnlyList<long> down)
    {
        if (!IsMatrix(up) || !IsMatrix(down) || down[0] == 0)
            return null;
        var (rank, inputs) = (down[0], Product(down.Skip(1)));
        var (rows, upRank) = IsUpTurned ? (up[1], up[0]) : (up[0], up[1]);
        var kernel = core is null ? 1 : core is [var first, var second, var height, var width] && first == rank && second == rank ? height * width : 0;
        return upRank == rank && up.Skip(2).All(size => size == 1) && kernel > 0 ? (rows, inputs * kernel) : null;
    }

    // A linear map, or a convolution.
    private static bool IsMatrix(IReadOnlyList<long> shape) => shape.Count is 2 or 4;

    private static long Product(IEnumerable<long> sizes) => sizes.Aggregate(1L, (product, size) => product * size);

    private static Tensor Float(StoredWeight stored) => stored.Read().to(ScalarType.Float32);
}
