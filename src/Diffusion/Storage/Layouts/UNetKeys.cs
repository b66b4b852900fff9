using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>
/// The U-Net's tensor names. The original numbers its blocks consecutively, one for each residual block and each change of resolution.
/// </summary>
internal static class UNetKeys
{
    private static readonly KeyRow[] Ends =
    [
        new("time_embed.0", "time_embedding.linear_1"),
        new("time_embed.2", "time_embedding.linear_2"),
        new("label_emb.0.0", "add_embedding.linear_1"),
        new("label_emb.0.2", "add_embedding.linear_2"),
        new("input_blocks.0.0", "conv_in"),
        new("out.0", "conv_norm_out"),
        new("out.2", "conv_out"),
    ];

    private static readonly KeyRow[] Residual =
    [
        new("in_layers.0", "norm1"),
        new("in_layers.2", "conv1"),
        new("emb_layers.1", "time_emb_proj"),
        new("out_layers.0", "norm2"),
        new("out_layers.3", "conv2"),
        new("skip_connection", "conv_shortcut"),
    ];

    /// <summary>The rows for a U-Net config. Inside transformers, the names are the same in both layouts.</summary>
    public static IEnumerable<KeyRow> Rows(UNetConfig config)
    {
        var levels = config.Levels.Count;
        var down = config.LayersPerBlock + 1; // residual blocks and a downsampler
        var up = config.LayersPerBlock + 1; // residual blocks, the last with the upsampler
        return
        [
            .. Ends,
            .. Each(levels, config.LayersPerBlock, (level, i) => Block($"input_blocks.{1 + (level * down) + i}", $"down_blocks.{level}", i)),
            .. Enumerable.Range(0, levels - 1).Select(level => new KeyRow($"input_blocks.{(level + 1) * down}.0.op", $"down_blocks.{level}.downsamplers.0.conv")),
            .. Under("middle_block.0", "mid_block.resnets.0"),
            new("middle_block.1", "mid_block.attentions.0"),
            .. Under("middle_block.2", "mid_block.resnets.1"),
            .. Each(levels, up, (block, i) => Block($"output_blocks.{(block * up) + i}", $"up_blocks.{block}", i)),
            .. Enumerable.Range(0, levels - 1).Select(block => new KeyRow(
                $"output_blocks.{(block * up) + up - 1}.{(config.Levels[levels - 1 - block].UpAttention ? 2 : 1)}.conv", $"up_blocks.{block}.upsamplers.0.conv")),
        ];
    }

    private static IEnumerable<KeyRow> Each(int levels, int layers, Func<int, int, IEnumerable<KeyRow>> rows) =>
        Enumerable.Range(0, levels).SelectMany(level => Enumerable.Range(0, layers).SelectMany(i => rows(level, i)));

    private static IEnumerable<KeyRow> Block(string original, string diffusers, int i) =>
        [.. Under($"{original}.0", $"{diffusers}.resnets.{i}"), new($"{original}.1", $"{diffusers}.attentions.{i}")];

    private static IEnumerable<KeyRow> Under(string original, string diffusers) =>
        Residual.Select(row => new KeyRow($"{original}.{row.Original}", $"{diffusers}.{row.Diffusers}"));
}
