using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>The change of one weight or bias by one file: strength · scale · (what its form makes of its matrices), and what a magnitude adds to that.</summary>
/// <param name="Origin">What errors call it.</param>
/// <param name="Form">How the matrices make the change.</param>
/// <param name="Factors">The matrices, all of them complete.</param>
/// <param name="Strength">How strongly it is added.</param>
internal sealed record WeightChange(string Origin, LoraForm Form, IReadOnlyList<LoraFactor> Factors, double Strength)
{
    /// <summary>What the product is multiplied by.</summary>
    public required Func<double> Scale { get; init; }

    /// <summary>The lengths after the change; null where they are what they become.</summary>
    public LoraMagnitude? Magnitude { get; init; }

    /// <summary>Whether the change is one of a weight of this shape.</summary>
    public bool Fits(IReadOnlyList<long> shape)
    {
        var sizes = Factors.Select(factor => factor.Size).OfType<(long, long)>().ToList();
        return sizes.Count == Factors.Count
            && Form.Size(sizes) is var (rows, columns)
            && rows == shape[0] && columns == shape.Skip(1).Aggregate(1L, (product, size) => product * size)
            && Magnitude?.Fits(shape) != false;
    }

    /// <summary>What is added to a weight, which is float32 and as it was before any change.</summary>
    /// <exception cref="InvalidInputException">It is not made of numbers.</exception>
    public Tensor Of(Tensor weight)
    {
        using var scope = NewDisposeScope();
        var change = Form.Combine([.. Factors.Select(factor => factor.Read())]).reshape(weight.shape) * Scalar(Scale());
        if (Magnitude is not null)
            change = Magnitude.ApplyTo(weight.Plus(change)) - weight;
        if (!change.isfinite().all().ReadBoolean())
            throw new InvalidInputException($"{Origin} has numbers that are infinite or none at all (NaN); the file is damaged.");
        return (change * Scalar(Strength)).MoveToOuterDisposeScope();
    }

    /// <summary>A weight with several changes. None sees the others, so that their order does not count, and the sum is rounded once.</summary>
    public static StoredWeight Add(StoredWeight stored, IEnumerable<WeightChange> changes) => new(stored.Shape, () =>
    {
        using var scope = NewDisposeScope();
        var before = stored.Read().to(ScalarType.Float32);
        return changes.Aggregate(before, (sum, change) => sum.Plus(change.Of(before))).MoveToOuterDisposeScope();
    })
    { Type = stored.Type };

    /// <summary>The shapes of its matrices, for messages.</summary>
    public override string ToString() => string.Join(" and ", Factors);
}
