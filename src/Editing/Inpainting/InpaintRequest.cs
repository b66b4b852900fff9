using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Editing.Sessions;

namespace PromptToPrompt.Editing.Inpainting;

/// <summary>Everything that decides an inpainted picture.</summary>
public sealed record InpaintRequest
{
    /// <summary>The picture, of any size.</summary>
    public required Picture Picture { get; init; }

    /// <summary>Where the picture may change, a mask of its size or shape; <see cref="Diffusion.Imaging.Mask"/> says how it is read.</summary>
    public required Picture Mask { get; init; }

    /// <summary>
    /// How the new content comes about: <see cref="EditRequest.Source"/> is its prompt, width and height are what the model works at. Targets,
    /// attention edits and blends are not used.
    /// </summary>
    public required EditRequest Sampling { get; init; }

    /// <summary>How the picture is brought to the model's size.</summary>
    public FramingKind Frame { get; init; }

    /// <summary>Share of the steps that run: at 1 the mask is filled from noise alone, below it from what was there with noise on it.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>About how many pixels within the mask's edge the new content fades in over; 0 for a hard edge.</summary>
    public double Feather { get; init; }

    /// <summary>Whether pixels outside the mask are the picture's own, byte for byte; else the whole framed part is as the model made it.</summary>
    public bool KeepOutside { get; init; } = true;
}
