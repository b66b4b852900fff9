using PromptToPrompt.Diffusion.UNet.Attention;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>
/// The context of a U-Net evaluation: the run's processor, its step, and a size (the latents' size; inside a transformer, the size of its
/// feature map). Values that do not depend on the latents come from the <see cref="Constants"/>, if there are any.
/// </summary>
internal readonly record struct UNetCall(AttentionProcessor Attention, DenoisingStep Step, int Height, int Width, UNetConstants? Constants = null)
{
    public AttentionCall At(AttentionSite site) => new(site, Step, Height, Width);

    /// <summary>The latents' size at a level: each level halves the previous size, rounding up like its strided convolution.</summary>
    public (int Height, int Width) SizeAt(int level) => (Halve(Height, level), Halve(Width, level));

    private static int Halve(int size, int times) => (size + (1 << times) - 1) >> times;
}
