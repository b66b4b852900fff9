using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>One of the pictures that a word is learned from.</summary>
/// <param name="Picture">The picture at the size that the model works at.</param>
/// <param name="Sizes">What it was before, for models that look at that.</param>
/// <param name="Caption">What it shows, with <see cref="PromptTemplates.Place"/> where the word stands; null to take the templates.</param>
public sealed record ExamplePicture(Picture Picture, SizeConditioning Sizes, string? Caption = null)
{
    /// <summary>Frames a picture.</summary>
    /// <param name="picture">The picture as it was given.</param>
    /// <param name="framing">How it is brought to the model's size.</param>
    /// <param name="caption">What it shows.</param>
    /// <exception cref="InvalidInputException">The caption has no place for the word.</exception>
    public static ExamplePicture Of(Picture picture, Framing framing, string? caption = null) => Framed(framing.Apply(picture), framing, caption);

    /// <summary>Reads a picture at the size that is needed.</summary>
    /// <param name="picture">The picture as it was given.</param>
    /// <param name="framing">How it is brought to the model's size.</param>
    /// <param name="caption">What it shows.</param>
    /// <exception cref="InvalidInputException">The picture is damaged, or the caption has no place for the word.</exception>
    internal static ExamplePicture Of(PictureFile picture, Framing framing, string? caption = null) => Framed(picture.Read(framing), framing, caption);

    private static ExamplePicture Framed(Picture framed, Framing framing, string? caption)
    {
        if (caption is not null)
            PromptTemplates.Validate([caption]);
        // Where the part that is used begins, in the pixels of the scaled picture.
        var scale = (double)framing.Place.Width / framing.Region.Width;
        var sizes = new SizeConditioning(framing.Original, (int)Math.Round(framing.Region.Y * scale), (int)Math.Round(framing.Region.X * scale), framing.Framed);
        return new ExamplePicture(framed, sizes, caption);
    }
}
