using PromptToPrompt.Diffusion.Autoencoder;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Sessions;

/// <summary>The clean latents that a run is heading for, as of its last step; decoded only when somebody looks.</summary>
internal sealed class RunPreview(AutoencoderKL vae) : IDisposable
{
    private Tensor? predicted;

    /// <summary>Takes over the latents of a step.</summary>
    public void Keep(Tensor latents)
    {
        predicted?.Dispose();
        predicted = latents;
    }

    /// <summary>The pictures that are computed; none where the source alone runs and its way is known.</summary>
    /// <summary>The pictures that the last evaluation stands for; none where its numbers overflowed, which the loop will say.</summary>
    public IReadOnlyList<Picture> Pictures() => predicted is null || !FiniteNumbers.AreAll(predicted) ? [] : Picture.Decode(vae, predicted);

    /// <inheritdoc/>
    public void Dispose() => predicted?.Dispose();
}
