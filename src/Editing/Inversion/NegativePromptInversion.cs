using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Negative-prompt inversion (Miyake et al. 2023, arXiv 2305.16807): the picture's own prompt takes the empty one's place, which cancels
/// guidance for the source. Nothing is optimised; what DDIM inversion loses at guidance 1 stays lost.
/// </summary>
public record NegativePromptInversion : InversionMethod
{
    /// <inheritdoc/>
    public override string Name => "negative-prompt";

    internal override bool ReplacesUnconditional => true;

    internal override InvertedImage Invert(InversionRun run)
    {
        var latents = DdimInversion.Trajectory(run);
        // Both predictions of the source are the same, so one row is enough at any guidance.
        var source = DdimInversion.Replay(run, latents[^1], guidance: 1, run.Conditional);
        return new(run.Settings, cat([.. latents], 0), cat([.. source], 0))
        {
            Unconditional = run.Conditional.Own(),
            FinishedSteps = run.Steps,
        };
    }
}
