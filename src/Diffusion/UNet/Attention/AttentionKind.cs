namespace PromptToPrompt.Diffusion.UNet.Attention;

/// <summary>The keys and values of an attention layer.</summary>
public enum AttentionKind
{
    /// <summary>Image positions attend to the prompt's tokens.</summary>
    Cross,

    /// <summary>Image positions attend to each other.</summary>
    Self,
}
