namespace PromptToPrompt.Diffusion.UNet.Attention;

/// <summary>One row of the U-Net's batch.</summary>
/// <param name="Prompt">Index of the picture being denoised, in the order of the run's prompts.</param>
/// <param name="Conditional">Whether the row sees its prompt, or the unconditional (negative) one.</param>
public readonly record struct BatchRow(int Prompt, bool Conditional);

/// <summary>One evaluation of the U-Net within a run, as attention processors see it.</summary>
/// <param name="Index">Evaluation number, from 0.</param>
/// <param name="Timestep">Diffusion timestep, 0 (clean) to 999 (noise).</param>
/// <param name="Rows">What each batch row is.</param>
public sealed record DenoisingStep(int Index, long Timestep, IReadOnlyList<BatchRow> Rows)
{
    /// <summary>An evaluation outside any run, for instance in training.</summary>
    public static DenoisingStep None { get; } = new(0, 0, []);
}
