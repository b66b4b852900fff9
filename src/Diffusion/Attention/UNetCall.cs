namespace PromptToPrompt.Diffusion.Attention;

/// <summary>What travels down the U-Net beside the activations: the run's processor, its step, and the size at the current level.</summary>
internal readonly record struct UNetCall(AttentionProcessor Attention, DenoisingStep Step, int Height, int Width)
{
    public AttentionCall At(AttentionSite site) => new(site, Step, Height, Width);
}
