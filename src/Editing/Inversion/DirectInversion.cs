using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Direct inversion (Ju et al. 2023, arXiv 2310.01506): the source retraces the inversion exactly, and edits are denoised as usual.
/// </summary>
public sealed record DirectInversion : InversionMethod
{
    /// <inheritdoc/>
    public override string Name => "direct";

    internal override InvertedImage Invert(InversionRun run)
    {
        var latents = cat([.. DdimInversion.Trajectory(run)], 0);
        return new(run.Settings, latents, latents.flip(0)) { FinishedSteps = run.Steps };
    }
}
