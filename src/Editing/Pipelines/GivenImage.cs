using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Compositing;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>
/// An image that was given to be edited. Its edits are drawn over it at its own size: the model's image, which is small and has lost detail, shows
/// only where the edit changes something. Every other pixel is the original's, byte for byte.
/// </summary>
/// <param name="Original">The image as it was given.</param>
/// <param name="Framing">How it was brought to the model's size.</param>
internal sealed record GivenImage(Image Original, Framing Framing)
{
    /// <summary>
    /// Draws an edit over the original. It shows where it differs from the model's image of its source, inside the region of the blend words and the
    /// mask, with soft edges. It fades out towards a border of the framed part that lies inside the original.
    /// </summary>
    /// <param name="result">The run that made the edit from this image.</param>
    /// <param name="image">Index into <see cref="EditResult.Images"/>.</param>
    /// <param name="mask">The opacities of the edit's mask (<see cref="OpacitiesOf"/>); null for no mask.</param>
    /// <returns>The edited image, at the original's size.</returns>
    public Image Draw(EditResult result, int image, byte[]? mask = null)
    {
        // The brushed mask is finer at the original's size than in the latents.
        using var region = result.BlendsWords ? result.LastMask(image) : null;
        var opacities = OpacityMap.Of(Framing, result.Images[image], result.Source!, region, result.PixelsPerLatent);
        return Composite.Create(Original, Framing, result.Images[image], opacities, mask);
    }

    /// <summary>The opacity of edits through a mask, for each pixel of the original.</summary>
    /// <param name="framing">The framing of the original.</param>
    /// <param name="mask">A mask of the original's size or aspect ratio, white where the original may change; null for everywhere.</param>
    /// <param name="perLatent">Pixels of the model's image per latent position.</param>
    /// <param name="feather">Width of the soft edge inside the mask, in pixels of the original; null for half a latent position.</param>
    /// <param name="cancellationToken">Stops before the next row.</param>
    /// <returns>Values from 0 to 255; null without a mask.</returns>
    /// <exception cref="InvalidInputException">The mask has another aspect ratio, or is black everywhere, or the soft edge is wider than the mask.</exception>
    public static byte[]? OpacitiesOf(Framing framing, Image? mask, int perLatent, double? feather = null, CancellationToken cancellationToken = default)
    {
        if (mask is null)
            return null;
        var white = Mask.Fit(Mask.Of(mask), framing.Original);
        return feather is { } width ? MaskOpacity.Of(white, width, cancellationToken) : MaskOpacity.Of(white, framing, perLatent, cancellationToken);
    }
}
