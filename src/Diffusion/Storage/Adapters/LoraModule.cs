using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>The tensors of one layer in a file.</summary>
/// <param name="name">The layer's name in the file.</param>
internal sealed class LoraModule(string name)
{
    private readonly Dictionary<(LoraMatrix Matrix, LoraPiece Piece), StoredWeight> pieces = [];

    /// <summary>The layer's name in the file.</summary>
    public string Name { get; } = name;

    /// <summary>The forms in which the file changes the layer's weight: one, or none if it changes only the bias.</summary>
    public IReadOnlyList<LoraForm> WeightForms => LoraForm.OfWeight([.. pieces.Keys.Select(key => key.Matrix)]);

    /// <summary>The norms after the change; null if there are none.</summary>
    public LoraMagnitude? Magnitude =>
        this[LoraMatrix.RowMagnitude] is { } rows ? new LoraMagnitude(rows, IsOfRows: true)
        : this[LoraMatrix.Magnitude] is { } either ? new LoraMagnitude(either, IsOfRows: false)
        : null;

    /// <summary>A matrix stored as a whole; null if it is missing.</summary>
    public StoredWeight? this[LoraMatrix matrix] => Piece(matrix, LoraPiece.Whole);

    /// <summary>Adds a tensor.</summary>
    /// <returns>False if it is already present under another name.</returns>
    public bool Add(LoraTensor tensor, StoredWeight stored) => pieces.TryAdd((tensor.Matrix, tensor.Piece), stored);

    /// <summary>The matrices of a form, possibly incomplete.</summary>
    public IReadOnlyList<LoraFactor> Factors(LoraForm form) =>
    [
        .. form.Matrices.Select(matrix =>
            new LoraFactor(this[matrix], Piece(matrix, LoraPiece.Up), Piece(matrix, LoraPiece.Core), Piece(matrix, LoraPiece.Down)) { TurnsUp = matrix != LoraMatrix.LowRank }),
    ];

    private StoredWeight? Piece(LoraMatrix matrix, LoraPiece piece) => pieces.GetValueOrDefault((matrix, piece));
}
