namespace PromptToPrompt.Diffusion.UNet.Attention;

/// <summary>What an attention layer attends to.</summary>
public enum AttentionKind
{
    /// <summary>Picture positions attend to the prompt's tokens.</summary>
    Cross,

    /// <summary>Picture positions attend to each other.</summary>
    Self,
}
