using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>
/// How the matrices of a change make it: LoRA has one (Hu et al., arXiv 2106.09685), LoHa multiplies two element by element (Hyeon-Woo et al.,
/// arXiv 2108.06098), LoKr takes their Kronecker product (Yeh et al., arXiv 2309.14859).
/// </summary>
/// <param name="Matrices">The matrices, in order.</param>
/// <param name="Combine">Makes the change of them, [rows, columns].</param>
/// <param name="Size">Rows and columns of the change by those of the matrices; null where they do not fit together.</param>
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

    /// <summary>The forms that any of these matrices belongs to.</summary>
    public static IReadOnlyList<LoraForm> OfWeight(IReadOnlyCollection<LoraMatrix> present) => [.. OfWeights.Where(form => form.Matrices.Any(present.Contains))];

    private static Tensor Only(IReadOnlyList<Tensor> matrices) => matrices[0].alias();

    private static (long, long)? Equal(IReadOnlyList<(long, long)> sizes) => sizes.All(size => size == sizes[0]) ? sizes[0] : null;

    private static (long, long)? Product(IReadOnlyList<(long Rows, long Columns)> sizes) => (sizes[0].Rows * sizes[1].Rows, sizes[0].Columns * sizes[1].Columns);
}
