using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Benchmarks;

/// <summary>
/// Counts the arithmetic operations of a U-Net: two per multiplication in its convolutions, linear maps and attentions. Normalization,
/// activations and the timestep embedding are ignored; together they are below one percent.
/// </summary>
internal static class UNetOperations
{
    private const int Kernel = 3 * 3;

    /// <summary>Number of operations of one row.</summary>
    /// <param name="config">The U-Net's config.</param>
    /// <param name="height">Rows of the latents.</param>
    /// <param name="width">Columns of the latents.</param>
    /// <param name="tokens">Number of tokens of the prompt.</param>
    public static double Count(UNetConfig config, int height, int width, int tokens)
    {
        var levels = config.Levels;
        double positions = height * width;
        var channels = levels[0].Channels;
        var total = Product(positions, config.InChannels, channels, Kernel);
        var skips = new Stack<int>([channels]);
        for (var i = 0; i < levels.Count; i++)
        {
            for (var layer = 0; layer < config.LayersPerBlock; layer++)
            {
                total += Residual(positions, channels, levels[i].Channels) + (levels[i].DownAttention ? Transformer(config, levels[i], positions, tokens) : 0);
                channels = levels[i].Channels;
                skips.Push(channels);
            }

            if (i == levels.Count - 1)
                break;
            positions /= 4;
            total += Product(positions, channels, channels, Kernel);
            skips.Push(channels);
        }

        total += (2 * Residual(positions, channels, channels)) + Transformer(config, levels[^1], positions, tokens);
        for (var i = levels.Count - 1; i >= 0; i--)
        {
            for (var layer = 0; layer <= config.LayersPerBlock; layer++)
            {
                total += Residual(positions, channels + skips.Pop(), levels[i].Channels)
                    + (levels[i].UpAttention ? Transformer(config, levels[i], positions, tokens) : 0);
                channels = levels[i].Channels;
            }

            if (i == 0)
                break;
            positions *= 4;
            total += Product(positions, channels, channels, Kernel);
        }

        return total + Product(positions, channels, config.OutChannels, Kernel);
    }

    private static double Product(double positions, double from, double to, double kernel = 1) => 2 * positions * from * to * kernel;

    private static double Residual(double positions, double from, double to)
        => Product(positions, from, to, Kernel) + Product(positions, to, to, Kernel) + (from == to ? 0 : Product(positions, from, to));

    private static double Transformer(UNetConfig config, UNetLevel level, double positions, double tokens)
    {
        double c = level.Channels;
        var self = Product(positions, c, 4 * c) + (2 * Product(positions, positions, c));
        var cross = Product(positions, c, 2 * c) + Product(tokens, config.CrossAttentionDim, 2 * c) + (2 * Product(positions, tokens, c));
        var feedForward = Product(positions, c, 8 * c) + Product(positions, 4 * c, c);
        return Product(positions, c, 2 * c) + (level.TransformerDepth * (self + cross + feedForward));
    }
}
