using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>
/// The lengths that a weight's rows or columns have after a change (DoRA: Liu et al., arXiv 2402.09353, equation 5): W → m · W / ‖W‖.
/// </summary>
/// <param name="Stored">The lengths m.</param>
/// <param name="IsOfRows">
/// Whether it is one length for each output whatever the shape is, as peft has it. LyCORIS says by the shape: [outputs, 1 …] is the same,
/// [1, inputs, 1 …] has one for each input.
/// </param>
internal sealed record LoraMagnitude(StoredWeight Stored, bool IsOfRows)
{
    // As in LyCORIS and peft: a row of zeros stays one.
    private const double Epsilon = 1.1920929e-7;

    /// <summary>Whether it is one of a weight of this shape.</summary>
    public bool Fits(IReadOnlyList<long> shape) => shape.Count is 2 or 4 && Stored.Count == shape[Axis(shape)];

    /// <summary>Gives a weight these lengths.</summary>
    public Tensor ApplyTo(Tensor weight)
    {
        using var scope = NewDisposeScope();
        var axis = Axis(weight.shape);
        var others = Enumerable.Range(0, weight.shape.Length).Where(dimension => dimension != axis).Select(dimension => (long)dimension).ToArray();
        var lengths = weight.Squared().sum(others, keepdim: true).sqrt().Plus(Scalar(Epsilon));
        return (weight * (Stored.Read().to(ScalarType.Float32).reshape(lengths.shape) / lengths)).MoveToOuterDisposeScope();
    }

    private int Axis(IReadOnlyList<long> shape) => !IsOfRows && Stored.Shape is [1, _, ..] && shape[0] != 1 ? 1 : 0;
}
