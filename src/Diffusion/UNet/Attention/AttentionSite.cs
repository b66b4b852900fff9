namespace PromptToPrompt.Diffusion.UNet.Attention;

/// <summary>The part of the U-Net that a layer belongs to.</summary>
public enum UNetStage
{
    /// <summary>The contracting half.</summary>
    Down,

    /// <summary>The middle, at the lowest resolution.</summary>
    Mid,

    /// <summary>The expanding half.</summary>
    Up,
}

/// <summary>One attention layer of a U-Net, identified by its position in the model.</summary>
/// <param name="Index">Position among all attention layers of the U-Net in the order they run, from 0.</param>
/// <param name="Stage">Contracting half, middle or expanding half.</param>
/// <param name="Kind">Cross- or self-attention.</param>
/// <param name="Name">Checkpoint name, such as <c>down_blocks.1.attentions.0.transformer_blocks.0.attn2</c>.</param>
public sealed record AttentionSite(int Index, UNetStage Stage, AttentionKind Kind, string Name);
