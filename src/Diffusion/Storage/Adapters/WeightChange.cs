using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>
/// The change of one weight or bias by one file: strength · scale · (the combined matrices), with an optional change of the norms.
/// </summary>
/// <param name="Origin">Name of the change in errors.</param>
/// <param name="Form">How the matrices are combined.</param>
/// <param name="Factors">The matrices, all complete.</param>
/// <param name="Strength">The strength that the user gave the adapter.</param>
internal sealed record WeightChange(string Origin, LoraForm Form, IReadOnlyList<LoraFactor> Factors, double Strength)
{
    /// <summary>Computes the scale of the product.</summary>
    public required Func<double> Scale { get; init; }

    /// <summary>The norms after the change; null to leave them as computed.</summary>
    public LoraMagnitude? Magnitude { get; init; }

    /// <summary>Whether the change matches a weight of this shape.</summary>
    public bool Fits(IReadOnlyList<long> shape)
    {
        var sizes = Factors.Select(factor => factor.Size).OfType<(long, long)>().ToList();
        return sizes.Count == Factors.Count
            && Form.Size(sizes) is var (rows, columns)
            && rows == shape[0] && columns == shape.Skip(1).Aggregate(1L, (product, size) => product * size)
            && Magnitude?.Fits(shape) != false;
    }

    /// <summary>The difference to add to a weight, which is the unchanged weight in float32.</summary>
    /// <exception cref="InvalidInputException">The change contains NaN or infinite values.</exception>
    public Tensor Of(Tensor weight)
    {
        using var scope = NewDisposeScope();
        var change = Form.Combine([.. Factors.Select(factor => factor.Read())]).reshape(weight.shape) * Scalar(Scale());
        if (Magnitude is not null)
            change = Magnitude.ApplyTo(weight.Plus(change)) - weight;
        if (!change.isfinite().all().ReadBoolean())
            throw new InvalidInputException($"{Origin} contains NaN or infinite values. The file is damaged.");
        return (change * Scalar(Strength)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Adds several changes to a weight. Each is computed from the unchanged weight, so their order is irrelevant, and the sum is rounded
    /// once.
    /// </summary>
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
