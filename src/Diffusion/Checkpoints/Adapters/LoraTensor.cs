namespace PromptToPrompt.Diffusion.Checkpoints.Adapters;

/// <summary>What a tensor of a LoRA is.</summary>
internal enum LoraRole
{
    /// <summary>The matrix that narrows, [rank, inputs], or a convolution's.</summary>
    Down,

    /// <summary>A convolution between the two, [rank, rank, height, width].</summary>
    Mid,

    /// <summary>The matrix that widens, [outputs, rank].</summary>
    Up,

    /// <summary>A number: the change is multiplied by it and divided by the rank.</summary>
    Alpha,
}

/// <summary>The name of a tensor of a LoRA, taken apart.</summary>
/// <param name="Module">What the file calls the weight that is changed.</param>
/// <param name="Role">What the tensor is.</param>
internal readonly record struct LoraTensor(string Module, LoraRole Role)
{
    // How the names end in the different tools; the longer endings come before those that they end in.
    private static readonly (string Ending, LoraRole Role)[] Endings =
    [
        (".lora_linear_layer.down.weight", LoraRole.Down), (".lora_linear_layer.up.weight", LoraRole.Up),
        (".lora_A.default.weight", LoraRole.Down), (".lora_B.default.weight", LoraRole.Up),
        (".lora_A.weight", LoraRole.Down), (".lora_B.weight", LoraRole.Up),
        (".lora_down.weight", LoraRole.Down), (".lora_mid.weight", LoraRole.Mid), (".lora_up.weight", LoraRole.Up),
        (".lora.down.weight", LoraRole.Down), (".lora.up.weight", LoraRole.Up),
        ("_lora.down.weight", LoraRole.Down), ("_lora.up.weight", LoraRole.Up),
        (".alpha", LoraRole.Alpha),
    ];

    // Adapters of other kinds in files of the same look, by what stands in their names.
    private static readonly (string Mark, string Kind)[] OtherKinds =
    [
        (".hada_w", "LoHa"), (".lokr_w", "LoKr"), (".dora_scale", "DoRA"), (".lora_magnitude_vector", "DoRA"), (".oft_", "OFT"), (".diff", "full difference"),
    ];

    /// <summary>Takes a name apart; null for one that no LoRA has.</summary>
    public static LoraTensor? Parse(string name)
    {
        var index = Array.FindIndex(Endings, ending => name.EndsWith(ending.Ending, StringComparison.Ordinal));
        return index < 0 ? null : new LoraTensor(name[..^Endings[index].Ending.Length], Endings[index].Role);
    }

    /// <summary>The kind of adapter that a tensor's name belongs to, where it is not a LoRA's.</summary>
    public static string? OtherKind(string name) =>
        OtherKinds.FirstOrDefault(other => name.Contains(other.Mark, StringComparison.Ordinal)).Kind;
}
