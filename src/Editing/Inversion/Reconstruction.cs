using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>The reconstruction of an image from its inversion, with its quality.</summary>
/// <param name="Framed">The image as framed for the model.</param>
/// <param name="RoundTrip">The image encoded and decoded directly: the upper bound for every inversion.</param>
/// <param name="Replayed">The image that an edit's source reproduces.</param>
/// <param name="Untuned">The image from guided denoising without drift correction; null if that was not run.</param>
internal sealed record Reconstruction(Image Framed, Image RoundTrip, Image Replayed, Image? Untuned)
{
    /// <summary>Peak signal-to-noise ratio of the reconstruction, in decibels.</summary>
    public double Psnr => Framed.Psnr(Replayed);

    /// <summary>Peak signal-to-noise ratio of the autoencoder's round trip, the upper bound, in decibels.</summary>
    public double Ceiling => Framed.Psnr(RoundTrip);

    /// <summary>Peak signal-to-noise ratio of plain DDIM inversion with guidance, in decibels; null if that was not run.</summary>
    public double? UntunedPsnr => Untuned is null ? null : Framed.Psnr(Untuned);

    /// <summary>Decodes the reconstructions of an inversion.</summary>
    /// <param name="model">The model.</param>
    /// <param name="file">The inversion with its image.</param>
    /// <param name="compare">Whether to compute <see cref="Untuned"/>, two rows a step.</param>
    /// <param name="progress">Receives the progress after each of these steps.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public static Reconstruction Of(
        StableDiffusionModel model, InversionFile file, bool compare = false, IProgress<InversionProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Of(model, file.Inverted, file.Framing.Apply(file.Image), compare, progress, cancellationToken);

    /// <inheritdoc cref="Of(StableDiffusionModel, InversionFile, bool, IProgress{InversionProgress}?, CancellationToken)"/>
    /// <param name="model">The model.</param>
    /// <param name="inverted">The inversion.</param>
    /// <param name="framed">The image as framed for the model.</param>
    /// <param name="compare">Whether to compute <see cref="Untuned"/>, two rows a step.</param>
    /// <param name="progress">Receives the progress after each of these steps.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public static Reconstruction Of(
        StableDiffusionModel model, InvertedImage inverted, Image framed, bool compare = false, IProgress<InversionProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        using var first = inverted.Latents.narrow(0, 0, 1);
        using var last = inverted.SourceTrajectory.narrow(0, inverted.Settings.Sampling.Steps, 1);
        using var untuned = compare ? InversionMethod.ReplayUntuned(model, inverted, progress, cancellationToken) : null;
        return new(
            framed,
            model.Vae.DecodeImages(first)[0],
            model.Vae.DecodeImages(last)[0],
            untuned is null ? null : model.Vae.DecodeImages(untuned)[0]);
    }
}
