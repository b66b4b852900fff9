using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>How well an inversion brings its picture back.</summary>
/// <param name="Framed">The picture as the model was given it.</param>
/// <param name="RoundTrip">Encoded and decoded at once: no inversion can do better.</param>
/// <param name="Replayed">Where the source of an edit ends.</param>
/// <param name="Untuned">Where guided denoising of the same inversion ends without any method against its drift; null where that was not run.</param>
internal sealed record Reconstruction(Picture Framed, Picture RoundTrip, Picture Replayed, Picture? Untuned)
{
    /// <summary>Peak signal-to-noise ratio of what is brought back, in decibels.</summary>
    public double Psnr => Framed.Psnr(Replayed);

    /// <summary>The same of the autoencoder's round trip: the ceiling.</summary>
    public double Ceiling => Framed.Psnr(RoundTrip);

    /// <summary>The same of plain DDIM inversion with guidance, where it was run.</summary>
    public double? UntunedPsnr => Untuned is null ? null : Framed.Psnr(Untuned);

    /// <summary>Decodes what an inversion found.</summary>
    /// <param name="model">The model.</param>
    /// <param name="file">The inversion with its picture.</param>
    /// <param name="compare">Whether to run the denoising for <see cref="Untuned"/>, two rows a step.</param>
    /// <param name="progress">Told after each of its steps.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public static Reconstruction Of(
        StableDiffusionModel model, InversionFile file, bool compare = false, IProgress<InversionProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var inverted = file.Inverted;
        using var first = inverted.Latents.narrow(0, 0, 1);
        using var last = inverted.Source.narrow(0, inverted.Settings.Sampling.Steps, 1);
        using var untuned = compare ? InversionMethod.ReplayUntuned(model, inverted, progress, cancellationToken) : null;
        return new(
            file.Framing.Apply(file.Picture),
            model.Vae.DecodeImages(first)[0],
            model.Vae.DecodeImages(last)[0],
            untuned is null ? null : model.Vae.DecodeImages(untuned)[0]);
    }
}
