namespace PromptToPrompt.Diffusion.UNet.Attention;

/// <summary>One call of an attention layer, with everything that a processor may need.</summary>
/// <param name="Site">The layer.</param>
/// <param name="Step">The evaluation of the U-Net.</param>
/// <param name="Height">Rows of image positions; the queries cover Height × Width positions in row-major order.</param>
/// <param name="Width">Columns of image positions.</param>
public readonly record struct AttentionCall(AttentionSite Site, DenoisingStep Step, int Height, int Width)
{
    /// <summary>Number of image positions.</summary>
    public int Positions => Height * Width;
}
