using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>
/// SDXL's size conditioning (Podell et al., arXiv 2307.01952, §2.2): the size of a training image before scaling, the position of its
/// crop, and the size after cropping. A small original size produces images that look upscaled; a crop offset cuts off the subject.
/// </summary>
/// <param name="Original">Size before scaling, in pixels.</param>
/// <param name="CropTop">Rows cropped at the top.</param>
/// <param name="CropLeft">Columns cropped at the left.</param>
/// <param name="Target">Size after scaling and cropping, in pixels.</param>
internal sealed record SizeConditioning(PixelSize Original, int CropTop, int CropLeft, PixelSize Target)
{
    /// <summary>Number of values.</summary>
    internal const int Count = 6;

    /// <summary>The conditioning of an image that was neither scaled nor cropped.</summary>
    public static SizeConditioning Of(PixelSize size) => new(size, 0, 0, size);

    /// <summary>The values in training order; heights precede widths.</summary>
    internal float[] Numbers => [Original.Height, Original.Width, CropTop, CropLeft, Target.Height, Target.Width];
}
