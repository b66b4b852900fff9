using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>
/// The norms of a weight's rows or columns after a change (DoRA: Liu et al., arXiv 2402.09353, equation 5): W → m · W / ‖W‖.
/// </summary>
/// <param name="Stored">The norms m.</param>
/// <param name="IsOfRows">
/// Whether there is one norm per output regardless of the shape, as in peft. In LyCORIS the shape decides: [outputs, 1 …] means the same,
/// [1, inputs, 1 …] has one norm per input.
/// </param>
internal sealed record LoraMagnitude(StoredWeight Stored, bool IsOfRows)
{
    // As in LyCORIS and peft: a row of zeros stays zero.
    private const double Epsilon = 1.1920929e-7;

    /// <summary>Whether the number of norms matches a weight of this shape.</summary>
    public bool Fits(IReadOnlyList<long> shape) => shape.Count is 2 or 4 && Stored.Count == shape[Axis(shape)];

    /// <summary>Scales a weight to these norms.</summary>
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
