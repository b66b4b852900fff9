using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>
/// The autoencoder's tensor names. The original layout counts the decoder's levels from the finest, diffusers in execution order.
/// </summary>
internal static class AutoencoderKeys
{
    private static readonly KeyRow[] Ends =
    [
        new("quant_conv", "quant_conv"),
        new("post_quant_conv", "post_quant_conv"),
    ];

    private static readonly KeyRow[] Half =
    [
        new("conv_in", "conv_in"),
        new("norm_out", "conv_norm_out"),
        new("conv_out", "conv_out"),
        new("mid.attn_1.norm", "mid_block.attentions.0.group_norm"),
        new("mid.attn_1.q", "mid_block.attentions.0.to_q", KeyForm.Kernel),
        new("mid.attn_1.k", "mid_block.attentions.0.to_k", KeyForm.Kernel),
        new("mid.attn_1.v", "mid_block.attentions.0.to_v", KeyForm.Kernel),
        new("mid.attn_1.proj_out", "mid_block.attentions.0.to_out.0", KeyForm.Kernel),
    ];

    private static readonly (string Old, string New)[] OldNames = [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")];

    /// <summary>The rows for an autoencoder config.</summary>
    public static IEnumerable<KeyRow> Rows(AutoencoderConfig config)
    {
        var levels = config.Channels.Count;
        return
        [
            .. Ends,
            .. Half.SelectMany(row => new[] { "encoder", "decoder" }.Select(half => row with { Original = $"{half}.{row.Original}", Diffusers = $"{half}.{row.Diffusers}" })),
            .. new[] { "encoder", "decoder" }.SelectMany(half => Enumerable.Range(0, 2).SelectMany(
                i => Residual($"{half}.mid.block_{i + 1}", $"{half}.mid_block.resnets.{i}"))),
            .. Enumerable.Range(0, levels).SelectMany(level => Enumerable.Range(0, config.LayersPerBlock).SelectMany(
                i => Residual($"encoder.down.{level}.block.{i}", $"encoder.down_blocks.{level}.resnets.{i}"))),
            .. Enumerable.Range(0, levels).SelectMany(level => Enumerable.Range(0, config.LayersPerBlock + 1).SelectMany(
                i => Residual($"decoder.up.{level}.block.{i}", $"decoder.up_blocks.{levels - 1 - level}.resnets.{i}"))),
            .. Enumerable.Range(0, levels - 1).Select(
                level => new KeyRow($"encoder.down.{level}.downsample.conv", $"encoder.down_blocks.{level}.downsamplers.0.conv")),
            .. Enumerable.Range(1, levels - 1).Select(
                level => new KeyRow($"decoder.up.{level}.upsample.conv", $"decoder.up_blocks.{levels - 1 - level}.upsamplers.0.conv")),
        ];
    }

    /// <summary>Converts an attention tensor name from before diffusers 0.18 to the current one.</summary>
    public static string NewName(string diffusers) => OldNames.Aggregate(
        diffusers, (name, pair) => name.Replace($".attentions.0.{pair.Old}.", $".attentions.0.{pair.New}.", StringComparison.Ordinal));

    private static IEnumerable<KeyRow> Residual(string original, string diffusers) =>
        [new(original, diffusers), new($"{original}.nin_shortcut", $"{diffusers}.conv_shortcut")];
}
