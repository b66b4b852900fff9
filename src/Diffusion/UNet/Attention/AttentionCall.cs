namespace PromptToPrompt.Diffusion.UNet.Attention;

/// <summary>One call of an attention layer: everything a processor may want to know, passed explicitly.</summary>
/// <param name="Site">The layer.</param>
/// <param name="Step">The evaluation it is part of.</param>
/// <param name="Height">Rows of picture positions; the queries run row by row over Height × Width positions.</param>
/// <param name="Width">Columns of picture positions.</param>
public readonly record struct AttentionCall(AttentionSite Site, DenoisingStep Step, int Height, int Width)
{
    /// <summary>Number of picture positions.</summary>
    public int Positions => Height * Width;
}
