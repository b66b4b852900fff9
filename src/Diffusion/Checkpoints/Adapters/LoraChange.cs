using PromptToPrompt.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Checkpoints.Adapters;

/// <summary>The change of one weight: weight · alpha / rank · up · down.</summary>
/// <param name="Down">[rank, inputs …].</param>
/// <param name="Mid">[rank, rank, height, width], between the two; mostly null.</param>
/// <param name="Up">[outputs, rank …].</param>
/// <param name="Alpha">A number; null where the file has no tensor for it.</param>
/// <param name="Weight">How strongly it is added.</param>
internal sealed record LoraChange(StoredWeight Down, StoredWeight? Mid, StoredWeight Up, StoredWeight? Alpha, double Weight)
{
    /// <summary>Alpha where there is no tensor for it; null for the rank.</summary>
    public double? NotedAlpha { get; init; }

    /// <summary>Whether the change is one of a weight of this shape.</summary>
    public bool Fits(IReadOnlyList<long> shape)
    {
        if (Down.Shape.Count is not (2 or 4) || Up.Shape.Count is not (2 or 4) || shape.Count is not (2 or 4) || Alpha is { Count: not 1 })
            return false;
        var rank = Down.Shape[0];
        var inputs = Mid is null ? Down.Count / Math.Max(1, rank) : Down.Shape[1] * Mid.Shape.Skip(2).Aggregate(1L, (product, size) => product * size);
        return rank > 0
            && Up.Count == shape[0] * rank && Up.Shape[0] == shape[0]
            && inputs == shape.Skip(1).Aggregate(1L, (product, size) => product * size)
            && (Mid is null || (Mid.Shape.Count == 4 && Mid.Shape[0] == rank && Mid.Shape[1] == rank && Down.Count == rank * Down.Shape[1]));
    }

    /// <summary>The weight with the change. It is read as float32, so that several changes are rounded once.</summary>
    public StoredWeight ApplyTo(StoredWeight stored) => new(stored.Shape, () =>
    {
        using var scope = NewDisposeScope();
        var whole = stored.Read();
        return (whole.to(ScalarType.Float32) + Delta(stored.Shape)).MoveToOuterDisposeScope();
    })
    { Type = stored.Type };

    private Tensor Delta(IReadOnlyList<long> shape)
    {
        var (down, up) = (Read(Down), Read(Up).flatten(1));
        var rank = down.shape[0];
        var inner = Mid is null ? down.flatten(1) : einsum("abhw,bi->aihw", Read(Mid), down.flatten(1)).flatten(1);
        var alpha = Alpha is null ? NotedAlpha ?? rank : Read(Alpha).ToDouble();
        return (up.matmul(inner) * (Weight * alpha / rank)).reshape([.. shape]);
    }

    private static Tensor Read(StoredWeight stored) => stored.Read().to(ScalarType.Float32);
}
