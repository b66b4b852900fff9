using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>What a file holds about one layer.</summary>
/// <param name="name">What the file calls the layer.</param>
internal sealed class LoraModule(string name)
{
    private readonly Dictionary<(LoraMatrix Matrix, LoraPiece Piece), StoredWeight> pieces = [];

    /// <summary>What the file calls the layer.</summary>
    public string Name { get; } = name;

    /// <summary>The forms in which the file changes the layer's weight: one, or none where it changes the bias alone.</summary>
    public IReadOnlyList<LoraForm> WeightForms => LoraForm.OfWeight([.. pieces.Keys.Select(key => key.Matrix)]);

    /// <summary>The lengths after the change; null where there are none.</summary>
    public LoraMagnitude? Magnitude =>
        this[LoraMatrix.RowMagnitude] is { } rows ? new LoraMagnitude(rows, IsOfRows: true)
        : this[LoraMatrix.Magnitude] is { } either ? new LoraMagnitude(either, IsOfRows: false)
        : null;

    /// <summary>A matrix that is stored whole; null where there is none.</summary>
    public StoredWeight? this[LoraMatrix matrix] => Piece(matrix, LoraPiece.Whole);

    /// <summary>Takes a tensor in.</summary>
    /// <returns>False where it is there already, under another spelling.</returns>
    public bool Add(LoraTensor tensor, StoredWeight stored) => pieces.TryAdd((tensor.Matrix, tensor.Piece), stored);

    /// <summary>The matrices of a form, of which some may be incomplete.</summary>
    public IReadOnlyList<LoraFactor> Factors(LoraForm form) =>
    [
        .. form.Matrices.Select(matrix =>
            new LoraFactor(this[matrix], Piece(matrix, LoraPiece.Up), Piece(matrix, LoraPiece.Core), Piece(matrix, LoraPiece.Down)) { TurnsUp = matrix != LoraMatrix.LowRank }),
    ];

    private StoredWeight? Piece(LoraMatrix matrix, LoraPiece piece) => pieces.GetValueOrDefault((matrix, piece));
}
