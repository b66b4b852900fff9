namespace PromptToPrompt.Diffusion.UNet.Attention;

/// <summary>Whether a layer is cross-attention or self-attention.</summary>
public enum AttentionKind
{
    /// <summary>Image positions attend to the prompt's tokens.</summary>
    Cross,

    /// <summary>Image positions attend to each other.</summary>
    Self,
}
