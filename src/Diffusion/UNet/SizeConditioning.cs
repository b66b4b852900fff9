using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>
/// Sizes that some models are conditioned on (Podell et al., arXiv 2307.01952, §2.2): those that a training picture had before it was scaled,
/// where it was cropped, and what was left. Asking for a small original makes a picture that looks enlarged; a crop cuts its subject.
/// </summary>
/// <param name="Original">The size before scaling, in pixels.</param>
/// <param name="CropTop">Rows cut off at the top.</param>
/// <param name="CropLeft">Columns cut off at the left.</param>
/// <param name="Target">The size that was trained on, in pixels.</param>
public sealed record SizeConditioning(PixelSize Original, int CropTop, int CropLeft, PixelSize Target)
{
    /// <summary>How many numbers there are.</summary>
    internal const int Count = 6;

    /// <summary>A picture that was neither scaled nor cropped.</summary>
    public static SizeConditioning Of(PixelSize size) => new(size, 0, 0, size);

    /// <summary>The numbers in the order that models were trained with; heights come before widths.</summary>
    internal float[] Numbers => [Original.Height, Original.Width, CropTop, CropLeft, Target.Height, Target.Width];
}
