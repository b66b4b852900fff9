using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>All settings of an inpainting run.</summary>
internal sealed record InpaintRequest
{
    /// <summary>Maximum of <see cref="Feather"/>.</summary>
    public const int MaxFeather = 1000;

    /// <summary>The image, of any size.</summary>
    public required Image Image { get; init; }

    /// <summary>
    /// The mask, of the image's size or aspect ratio, white where the image may change; see <see cref="Diffusion.Images.Mask"/>.
    /// </summary>
    public required Image Mask { get; init; }

    /// <summary>A prompt for the whole image; words may be emphasized, <c>(word:1.3)</c>.</summary>
    public required string Prompt { get; init; }

    /// <summary>The sampling settings; the size is the model's working size.</summary>
    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>Initial noise instead of the seed's, [1, channels, h, w] of the framed image; the caller disposes it.</summary>
    public Tensor? InitialLatents { get; init; }

    /// <summary>How the image is fitted to the model's size.</summary>
    public FramingKind Frame { get; init; }

    /// <summary>Fraction of the steps to run: 1 fills the mask from pure noise; lower values start from the noised original.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>
    /// Approximate width, in pixels inside the mask's edge, over which the new content fades in; 0 for a hard edge; null for half a latent position, the
    /// precision of masks in the model.
    /// </summary>
    public double? Feather { get; init; }

    /// <summary>
    /// Whether pixels outside the mask stay exactly the original's, and new content fades out where the frame cuts through the image; otherwise the whole
    /// framed area comes from the model.
    /// </summary>
    public bool KeepOutside { get; init; } = true;

    /// <summary>Checks that all numbers are in range.</summary>
    /// <exception cref="Diffusion.InvalidInputException">A number is out of range.</exception>
    public void Validate()
    {
        Sampling.Validate();
        RequireRange(Strength is > 0 and <= 1, Strength, nameof(Strength), "Use a number above 0, at most 1.");
        if (Feather is { } feather)
            RequireRange(feather, 0.0, MaxFeather, nameof(Feather));
        Require(KeepOutside || Feather is null or 0, nameof(Feather), "It has no effect when the pixels outside the mask are not kept.", "Leave it out.");
    }
}
