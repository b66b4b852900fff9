using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>Everything that decides an inpainted picture.</summary>
public sealed record InpaintRequest
{
    /// <summary>Most <see cref="Feather"/>.</summary>
    public const int MaxFeather = 1000;

    /// <summary>The picture, of any size.</summary>
    public required Picture Picture { get; init; }

    /// <summary>Where the picture may change, a mask of its size or shape; <see cref="Diffusion.Images.Mask"/> says how it is read.</summary>
    public required Picture Mask { get; init; }

    /// <summary>What the whole image should show; words may be emphasized, <c>(word:1.3)</c>.</summary>
    public required string Prompt { get; init; }

    /// <summary>How the new content is sampled; the size is what the model works at.</summary>
    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>Starting noise instead of the seed's, [1, channels, h, w] of the framed image; stays the caller's.</summary>
    public Tensor? InitialLatents { get; init; }

    /// <summary>How the picture is brought to the model's size.</summary>
    public FramingKind Frame { get; init; }

    /// <summary>Share of the steps that run: at 1 the mask is filled from noise alone, below it from what was there with noise on it.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>About how many pixels within the mask's edge the new content fades in over; 0 for a hard edge.</summary>
    public double Feather { get; init; }

    /// <summary>Whether pixels outside the mask are the picture's own, byte for byte; else the whole framed part is as the model made it.</summary>
    public bool KeepOutside { get; init; } = true;

    /// <summary>Throws unless all numbers lie within their bounds.</summary>
    /// <exception cref="Diffusion.InvalidInputException">A number lies outside.</exception>
    public void Validate()
    {
        Sampling.Validate();
        Require(Strength is > 0 and <= 1, nameof(Strength), $"{Strength} is out of range.", "Use a number above 0, at most 1.");
        RequireRange(Feather, 0.0, MaxFeather, nameof(Feather));
        Require(KeepOutside || Feather == 0, nameof(Feather), "It softens the edge of the pixels that are kept, and none are.", "Leave it out.");
    }
}
