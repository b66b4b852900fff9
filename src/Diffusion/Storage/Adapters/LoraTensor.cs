namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>Which matrix of a change a tensor belongs to.</summary>
internal enum LoraMatrix
{
    /// <summary>The one product of a LoRA.</summary>
    LowRank,

    /// <summary>The first of two that are multiplied element by element (LoHa).</summary>
    Hadamard1,

    /// <summary>The second of them.</summary>
    Hadamard2,

    /// <summary>The outer of a Kronecker product (LoKr).</summary>
    Kronecker1,

    /// <summary>The inner of it.</summary>
    Kronecker2,

    /// <summary>The change itself.</summary>
    Difference,

    /// <summary>The change of the bias.</summary>
    BiasDifference,

    /// <summary>A number: what has a rank is multiplied by it and divided by the rank.</summary>
    Alpha,

    /// <summary>The lengths of the weight's rows or columns after the change, [outputs, 1 …] or [1, inputs, 1 …] (DoRA).</summary>
    Magnitude,

    /// <summary>The same, and of rows whatever its shape.</summary>
    RowMagnitude,
}

/// <summary>Which piece of a matrix a tensor is.</summary>
internal enum LoraPiece
{
    /// <summary>All of it.</summary>
    Whole,

    /// <summary>What widens the rank to the outputs.</summary>
    Up,

    /// <summary>Tucker's core, between the two: [rank, rank, height, width].</summary>
    Core,

    /// <summary>What narrows the inputs to the rank: [rank, inputs …].</summary>
    Down,
}

/// <summary>The name of a tensor of a LoRA or of one of its relatives, taken apart.</summary>
/// <param name="Module">What the file calls the layer that is changed.</param>
/// <param name="Matrix">Which matrix the tensor belongs to.</param>
/// <param name="Piece">Which piece of that.</param>
internal readonly record struct LoraTensor(string Module, LoraMatrix Matrix, LoraPiece Piece)
{
    // How the names end in the different tools; the longer endings come before those that they end in.
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

    // Adapters of other kinds in files of the same look, by what stands in their names.
    private static readonly (string Mark, string Kind)[] OtherKinds =
    [
        (".oft_", "OFT"), (".on_input", "IA3"), (".a1.weight", "GLoRA"), (".lora_embedding_", "embedding LoRA"), (".bias_indices", "sparse bias"),
    ];

    /// <summary>Takes a name apart; null for one that none of the known adapters has.</summary>
    public static LoraTensor? Parse(string name)
    {
        var index = Array.FindIndex(Endings, ending => name.EndsWith(ending.Ending, StringComparison.Ordinal));
        return index < 0 ? null : new LoraTensor(name[..^Endings[index].Ending.Length], Endings[index].Matrix, Endings[index].Piece);
    }

    /// <summary>The kind of adapter that a tensor's name belongs to, where it is one that is not supported.</summary>
    public static string? OtherKind(string name) =>
        OtherKinds.FirstOrDefault(other => name.Contains(other.Mark, StringComparison.Ordinal)).Kind;
}
