using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>The clean latents that a run is heading for, as of its last step; decoded only when somebody looks.</summary>
/// <param name="model">The model, which decodes them.</param>
/// <param name="isWatched">Whether somebody may look.</param>
internal sealed class RunPreview(StableDiffusionModel model, bool isWatched) : IDisposable
{
    private Tensor? predicted;

    /// <summary>
    /// Takes over the latents of a step; null where nobody looks, or where the autoencoder would have to take the U-Net's place in memory.
    /// </summary>
    public Action<Tensor>? Receiver => isWatched && !model.OnePartAtATime ? Keep : null;

    /// <summary>
    /// The pictures that are computed; none where the source alone runs and its way is known, where nothing is received, or where numbers overflowed, which the
    /// loop will say.
    /// </summary>
    public IReadOnlyList<Picture> Pictures() => predicted is null || !FiniteNumbers.AreAll(predicted) ? [] : model.Vae.DecodeImages(predicted);

    /// <inheritdoc/>
    public void Dispose() => predicted?.Dispose();

    private void Keep(Tensor latents)
    {
        predicted?.Dispose();
        predicted = latents;
    }
}
