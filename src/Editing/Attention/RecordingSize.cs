using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Editing.Attention;

/// <summary>The memory of a <see cref="SourceRecording"/>, known before the source runs.</summary>
/// <param name="Layers">Numbers of all layers at one evaluation.</param>
/// <param name="Keys">Numbers of the cross-attention keys, which are recorded once.</param>
internal readonly record struct RecordingSize(long Layers, long Keys)
{
    /// <summary>Counts the numbers to record.</summary>
    /// <param name="config">The U-Net.</param>
    /// <param name="height">Rows of the latents.</param>
    /// <param name="width">Columns of the latents.</param>
    /// <param name="tokens">Number of tokens of a prompt.</param>
    /// <param name="selfResolution">Largest side of the recorded self-attention layers.</param>
    /// <param name="selfUnconditional">Whether the self-attention of the unconditional row is recorded too.</param>
    public static RecordingSize Of(UNetConfig config, int height, int width, int tokens, int selfResolution, bool selfUnconditional)
    {
        var (layers, keys) = (0L, 0L);
        for (var i = 0; i < config.Levels.Count; i++, (height, width) = ((height + 1) / 2, (width + 1) / 2))
        {
            var level = config.Levels[i];
            var transformers = (level.DownAttention ? config.LayersPerBlock : 0) + (level.UpAttention ? config.LayersPerBlock + 1 : 0)
                + (config.HasMidBlock && i == config.Levels.Count - 1 ? 1 : 0);
            var blocks = (long)transformers * level.TransformerDepth;
            var positions = (long)height * width;
            // The query of the cross-attention; query and key of the self-attention, of one row or two.
            var recorded = positions > (long)selfResolution * selfResolution ? 1 : selfUnconditional ? 5 : 3;
            layers += blocks * level.Channels * positions * recorded;
            keys += blocks * level.Channels * tokens;
        }

        return new(layers, keys);
    }

    /// <summary>Bytes of a recording.</summary>
    /// <param name="evaluations">Evaluations of the U-Net.</param>
    /// <param name="numberBytes">Bytes of a number.</param>
    public long Bytes(int evaluations, long numberBytes) => ((Layers * evaluations) + Keys) * numberBytes;
}
