using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Negative-prompt inversion (Miyake et al. 2023, arXiv 2305.16807): the image's own prompt replaces the empty one, which cancels
/// guidance for the source. Nothing is optimized; the error of DDIM inversion at guidance 1 remains.
/// </summary>
public record NegativePromptInversion : InversionMethod
{
    /// <inheritdoc/>
    public override string Name => "negative-prompt";

    internal override bool ReplacesUnconditional => true;

    internal override InvertedImage Invert(InversionRun run)
    {
        var latents = DdimInversion.Trajectory(run);
        // Both predictions of the source are equal, so one row is enough at any guidance.
        var source = DdimInversion.Replay(run, latents[^1], guidance: 1, run.Conditional);
        return new(run.Settings, cat([.. latents], 0), cat([.. source], 0))
        {
            Unconditional = run.Conditional.Own(),
            FinishedSteps = run.Steps,
        };
    }
}
