using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Editing.Attention;

/// <summary>Chooses the layers whose attention maps are collected.</summary>
internal static class MapResolution
{
    // The published method uses the 16×16 layers of a 512×512 image.
    private const double DefaultPositions = 256;

    /// <summary>The resolution with cross-attention whose number of positions is nearest to 16×16.</summary>
    /// <param name="config">The U-Net's configuration.</param>
    /// <param name="height">Rows of the latents.</param>
    /// <param name="width">Columns of the latents.</param>
    public static (int Height, int Width) Choose(UNetConfig config, int height, int width)
    {
        var sizes = new List<(int Height, int Width)>();
        for (var level = 0; level < config.Levels.Count; level++)
        {
            var here = config.Levels[level];
            if (here.DownAttention || here.UpAttention || level == config.Levels.Count - 1)
                sizes.Add((height, width));
            (height, width) = ((height + 1) / 2, (width + 1) / 2);
        }

        return sizes.MinBy(s => Math.Abs(Math.Log(s.Height * s.Width / DefaultPositions)));
    }
}
