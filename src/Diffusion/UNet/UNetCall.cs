using PromptToPrompt.Diffusion.UNet.Attention;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>
/// What travels down the U-Net beside the activations: the run's processor, its step, and a size: that of the latents, inside a transformer that
/// of its feature map.
/// </summary>
internal readonly record struct UNetCall(AttentionProcessor Attention, DenoisingStep Step, int Height, int Width)
{
    public AttentionCall At(AttentionSite site) => new(site, Step, Height, Width);

    /// <summary>The latents' size at a level: each halves the one before and rounds up, as its strided convolution does.</summary>
    public (int Height, int Width) SizeAt(int level) => (Halve(Height, level), Halve(Width, level));

    private static int Halve(int size, int times) => (size + (1 << times) - 1) >> times;
}
