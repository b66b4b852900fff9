namespace PromptToPrompt.Diffusion.UNet.Attention;

/// <summary>One residual block of a U-Net, identified by its position in the model.</summary>
/// <param name="Index">Position among all residual blocks of the U-Net in the order they run, from 0.</param>
/// <param name="Stage">Contracting half, middle or expanding half.</param>
/// <param name="Name">Checkpoint name, such as <c>up_blocks.1.resnets.1</c>.</param>
public sealed record ResidualSite(int Index, UNetStage Stage, string Name);

/// <summary>One call of a residual block.</summary>
/// <param name="Site">The block.</param>
/// <param name="Step">The evaluation of the U-Net.</param>
public readonly record struct ResidualCall(ResidualSite Site, DenoisingStep Step);
