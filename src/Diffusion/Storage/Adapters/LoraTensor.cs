namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>The matrix of a change that a tensor belongs to.</summary>
internal enum LoraMatrix
{
    /// <summary>The low-rank product of a LoRA.</summary>
    LowRank,

    /// <summary>The first factor of an element-wise product (LoHa).</summary>
    Hadamard1,

    /// <summary>The second factor of an element-wise product (LoHa).</summary>
    Hadamard2,

    /// <summary>The outer factor of a Kronecker product (LoKr).</summary>
    Kronecker1,

    /// <summary>The inner factor of a Kronecker product (LoKr).</summary>
    Kronecker2,

    /// <summary>The change itself.</summary>
    Difference,

    /// <summary>The change of the bias.</summary>
    BiasDifference,

    /// <summary>A number: low-rank matrices are multiplied by alpha / rank.</summary>
    Alpha,

    /// <summary>The norms of the weight's rows or columns after the change, [outputs, 1 …] or [1, inputs, 1 …] (DoRA).</summary>
    Magnitude,

    /// <summary>The norms of the weight's rows after the change, regardless of the shape (DoRA).</summary>
    RowMagnitude,
}

/// <summary>The piece of a matrix that a tensor is.</summary>
internal enum LoraPiece
{
    /// <summary>The whole matrix.</summary>
    Whole,

    /// <summary>The factor from the rank to the outputs.</summary>
    Up,

    /// <summary>The Tucker core between the two factors: [rank, rank, height, width].</summary>
    Core,

    /// <summary>The factor from the inputs to the rank: [rank, inputs …].</summary>
    Down,
}

/// <summary>The parsed name of a tensor of a LoRA or a related adapter.</summary>
/// <param name="Module">The changed layer's name in the file.</param>
/// <param name="Matrix">The matrix that the tensor belongs to.</param>
/// <param name="Piece">The piece of that matrix.</param>
internal readonly record struct LoraTensor(string Module, LoraMatrix Matrix, LoraPiece Piece)
{
    // The name endings of different tools; longer endings come before their own suffixes.
    private static readonly (string Ending, LoraMatrix Matrix, LoraPiece Piece)[] Endings =
    [
        (".lora_linear_layer.down.weight", LoraMatrix.LowRank, LoraPiece.Down), (".lora_linear_layer.up.weight", LoraMatrix.LowRank, LoraPiece.Up),
        (".lora_A.default.weight", LoraMatrix.LowRank, LoraPiece.Down), (".lora_B.default.weight", LoraMatrix.LowRank, LoraPiece.Up),
        (".lora_A.weight", LoraMatrix.LowRank, LoraPiece.Down), (".lora_B.weight", LoraMatrix.LowRank, LoraPiece.Up),
        (".lora_down.weight", LoraMatrix.LowRank, LoraPiece.Down), (".lora_mid.weight", LoraMatrix.LowRank, LoraPiece.Core),
        (".lora_up.weight", LoraMatrix.LowRank, LoraPiece.Up),
        (".lora.down.weight", LoraMatrix.LowRank, LoraPiece.Down), (".lora.up.weight", LoraMatrix.LowRank, LoraPiece.Up),
        ("_lora.down.weight", LoraMatrix.LowRank, LoraPiece.Down), ("_lora.up.weight", LoraMatrix.LowRank, LoraPiece.Up),
        (".hada_w1_a", LoraMatrix.Hadamard1, LoraPiece.Up), (".hada_t1", LoraMatrix.Hadamard1, LoraPiece.Core), (".hada_w1_b", LoraMatrix.Hadamard1, LoraPiece.Down),
        (".hada_w2_a", LoraMatrix.Hadamard2, LoraPiece.Up), (".hada_t2", LoraMatrix.Hadamard2, LoraPiece.Core), (".hada_w2_b", LoraMatrix.Hadamard2, LoraPiece.Down),
        (".lokr_w1", LoraMatrix.Kronecker1, LoraPiece.Whole), (".lokr_w1_a", LoraMatrix.Kronecker1, LoraPiece.Up), (".lokr_w1_b", LoraMatrix.Kronecker1, LoraPiece.Down),
        (".lokr_w2", LoraMatrix.Kronecker2, LoraPiece.Whole), (".lokr_w2_a", LoraMatrix.Kronecker2, LoraPiece.Up),
        (".lokr_t2", LoraMatrix.Kronecker2, LoraPiece.Core), (".lokr_w2_b", LoraMatrix.Kronecker2, LoraPiece.Down),
        (".diff", LoraMatrix.Difference, LoraPiece.Whole), (".diff_b", LoraMatrix.BiasDifference, LoraPiece.Whole),
        (".w_norm", LoraMatrix.Difference, LoraPiece.Whole), (".b_norm", LoraMatrix.BiasDifference, LoraPiece.Whole),
        (".alpha", LoraMatrix.Alpha, LoraPiece.Whole),
        (".dora_scale", LoraMatrix.Magnitude, LoraPiece.Whole),
        (".lora_magnitude_vector.default.weight", LoraMatrix.RowMagnitude, LoraPiece.Whole),
        (".lora_magnitude_vector.weight", LoraMatrix.RowMagnitude, LoraPiece.Whole), (".lora_magnitude_vector", LoraMatrix.RowMagnitude, LoraPiece.Whole),
    ];

    // Unsupported adapters in similar files, recognized by a part of their tensor names.
    private static readonly (string Mark, string Kind)[] OtherKinds =
    [
        (".oft_", "OFT"), (".on_input", "IA3"), (".a1.weight", "GLoRA"), (".lora_embedding_", "embedding LoRA"), (".bias_indices", "sparse bias"),
    ];

    /// <summary>Parses a tensor name; null if it is not that of a known adapter.</summary>
    public static LoraTensor? Parse(string name)
    {
        var index = Array.FindIndex(Endings, ending => name.EndsWith(ending.Ending, StringComparison.Ordinal));
        return index < 0 ? null : new LoraTensor(name[..^Endings[index].Ending.Length], Endings[index].Matrix, Endings[index].Piece);
    }

    /// <summary>The type of unsupported adapter that a tensor name belongs to; null for none.</summary>
    public static string? OtherKind(string name) =>
        OtherKinds.FirstOrDefault(other => name.Contains(other.Mark, StringComparison.Ordinal)).Kind;
}
