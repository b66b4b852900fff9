using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>The x₀ prediction of the last step, decoded only on request.</summary>
/// <param name="model">The model that decodes it.</param>
/// <param name="isWatched">Whether previews may be requested.</param>
internal sealed class RunPreview(StableDiffusionModel model, bool isWatched) : IDisposable
{
    private Tensor? predicted;

    /// <summary>
    /// Receives the latents of a step; null if no preview is wanted, or if the autoencoder would have to replace the U-Net in memory.
    /// </summary>
    public Action<Tensor>? Receiver => isWatched && !model.OnePartAtATime ? Keep : null;

    /// <summary>
    /// The previews of the computed images. Empty if only the source runs along a known trajectory, if no preview is received, or if values
    /// are not finite, which the loop reports.
    /// </summary>
    public IReadOnlyList<Image> Images() => predicted is null || !FiniteNumbers.AreAll(predicted) ? [] : model.Vae.DecodeImages(predicted);

    /// <inheritdoc/>
    public void Dispose() => predicted?.Dispose();

    private void Keep(Tensor latents)
    {
        predicted?.Dispose();
        predicted = latents;
    }
}
