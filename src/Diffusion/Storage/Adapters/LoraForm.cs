using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>
/// How a change is computed from its matrices: LoRA has a single one (Hu et al., arXiv 2106.09685), LoHa multiplies two element by element
/// (Hyeon-Woo et al., arXiv 2108.06098), LoKr uses their Kronecker product (Yeh et al., arXiv 2309.14859).
/// </summary>
/// <param name="Matrices">The matrices, in order.</param>
/// <param name="Combine">Computes the change, [rows, columns].</param>
/// <param name="Size">Computes the change's rows and columns from those of the matrices; null if they do not match.</param>
internal sealed record LoraForm(
    IReadOnlyList<LoraMatrix> Matrices,
    Func<IReadOnlyList<Tensor>, Tensor> Combine,
    Func<IReadOnlyList<(long Rows, long Columns)>, (long Rows, long Columns)?> Size)
{
    private static readonly LoraForm[] OfWeights =
    [
        new([LoraMatrix.LowRank], Only, Equal),
        new([LoraMatrix.Hadamard1, LoraMatrix.Hadamard2], matrices => matrices[0] * matrices[1], Equal),
        new([LoraMatrix.Kronecker1, LoraMatrix.Kronecker2], matrices => kron(matrices[0], matrices[1]), Product),
        new([LoraMatrix.Difference], Only, Equal),
    ];

    /// <summary>The change of a bias.</summary>
    public static LoraForm OfBias { get; } = new([LoraMatrix.BiasDifference], Only, Equal);

    /// <summary>The forms that use any of these matrices.</summary>
    public static IReadOnlyList<LoraForm> OfWeight(IReadOnlyCollection<LoraMatrix> present) => [.. OfWeights.Where(form => form.Matrices.Any(present.Contains))];

    private static Tensor Only(IReadOnlyList<Tensor> matrices) => matrices[0].alias();

    private static (long, long)? Equal(IReadOnlyList<(long, long)> sizes) => sizes.All(size => size == sizes[0]) ? sizes[0] : null;

    private static (long, long)? Product(IReadOnlyList<(long Rows, long Columns)> sizes) => (sizes[0].Rows * sizes[1].Rows, sizes[0].Columns * sizes[1].Columns);
}
