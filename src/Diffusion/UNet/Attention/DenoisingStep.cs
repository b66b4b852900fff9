namespace PromptToPrompt.Diffusion.UNet.Attention;

/// <summary>One row of the U-Net's batch.</summary>
/// <param name="Prompt">Index of the image being denoised, in the order of the run's prompts.</param>
/// <param name="Conditional">True if the row is conditioned on its prompt, false if on the unconditional (negative) one.</param>
public readonly record struct BatchRow(int Prompt, bool Conditional);

/// <summary>One evaluation of the U-Net within a run, for attention processors.</summary>
/// <param name="Index">Evaluation number, from 0.</param>
/// <param name="Timestep">Diffusion timestep, 0 (clean) to 999 (noise).</param>
/// <param name="Rows">The prompt of each batch row, and whether the row is conditional.</param>
public sealed record DenoisingStep(int Index, long Timestep, IReadOnlyList<BatchRow> Rows)
{
    /// <summary>An evaluation outside any run, for example in training.</summary>
    public static DenoisingStep None { get; } = new(0, 0, []);
}
