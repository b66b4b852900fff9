namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>The text encoders' tensor names.</summary>
internal static class TextEncoderKeys
{
    private static readonly string[] ClipPieces = ["embeddings", "encoder", "final_layer_norm"];

    private static readonly KeyRow[] OpenClipEnds =
    [
        new("token_embedding", "text_model.embeddings.token_embedding"),
        new("positional_embedding", "text_model.embeddings.position_embedding.weight"),
        new("ln_final", "text_model.final_layer_norm"),
    ];

    private static readonly KeyRow[] OpenClipLayer =
    [
        new("ln_1", "layer_norm1"),
        new("attn.in_proj_weight", "self_attn.q_proj.weight", KeyForm.Third, 0),
        new("attn.in_proj_weight", "self_attn.k_proj.weight", KeyForm.Third, 1),
        new("attn.in_proj_weight", "self_attn.v_proj.weight", KeyForm.Third, 2),
        new("attn.in_proj_bias", "self_attn.q_proj.bias", KeyForm.Third, 0),
        new("attn.in_proj_bias", "self_attn.k_proj.bias", KeyForm.Third, 1),
        new("attn.in_proj_bias", "self_attn.v_proj.bias", KeyForm.Third, 2),
        new("attn.out_proj", "self_attn.out_proj"),
        new("ln_2", "layer_norm2"),
        new("mlp.c_fc", "mlp.fc1"),
        new("mlp.c_proj", "mlp.fc2"),
    ];

    /// <summary>
    /// OpenAI's CLIP (Stable Diffusion 1 and the first encoder of XL), with the same names in both layouts. Some tools omit
    /// <c>text_model</c>; such files are supported, too.
    /// </summary>
    public static IEnumerable<KeyRow> Clip() =>
    [
        .. ClipPieces.Select(piece => new KeyRow($"text_model.{piece}", $"text_model.{piece}")),
        .. ClipPieces.Select(piece => new KeyRow(piece, $"text_model.{piece}")),
    ];

    /// <summary>OpenCLIP (Stable Diffusion 2 and the second encoder of XL).</summary>
    /// <param name="layers">Number of layers that the model runs. Stable Diffusion 2 files contain one more, because the model uses the
    /// penultimate output.</param>
    /// <param name="projection">Whether the pooled output is projected, as in XL.</param>
    public static IEnumerable<KeyRow> OpenClip(int layers, bool projection = false) =>
    [
        .. OpenClipEnds,
        .. Enumerable.Range(0, layers).SelectMany(layer => OpenClipLayer.Select(row => row with
        {
            Original = $"transformer.resblocks.{layer}.{row.Original}",
            Diffusers = $"text_model.encoder.layers.{layer}.{row.Diffusers}",
        })),
        .. projection ? new[] { new KeyRow("text_projection", "text_projection.weight", KeyForm.Transposed) } : [],
    ];
}
