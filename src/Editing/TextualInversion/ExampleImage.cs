using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>A training image for a new word.</summary>
/// <param name="Image">The image at the model's working size.</param>
/// <param name="Sizes">Its size conditioning, for models that use it.</param>
/// <param name="Caption">A caption with <see cref="PromptTemplates.Place"/> in place of the word; null to use the templates.</param>
internal sealed record ExampleImage(Image Image, SizeConditioning Sizes, string? Caption = null)
{
    /// <summary>Frames an image.</summary>
    /// <param name="image">The original image.</param>
    /// <param name="framing">How it is fitted to the model's size.</param>
    /// <param name="caption">A caption with <see cref="PromptTemplates.Place"/> for the word; null for none.</param>
    /// <exception cref="InvalidInputException">The caption has no placeholder for the word.</exception>
    public static ExampleImage Of(Image image, Framing framing, string? caption = null) => Framed(framing.Apply(image), framing, caption);

    /// <summary>Reads an image directly at the required size.</summary>
    /// <param name="image">The image file.</param>
    /// <param name="framing">How it is fitted to the model's size.</param>
    /// <param name="caption">A caption with <see cref="PromptTemplates.Place"/> for the word; null for none.</param>
    /// <exception cref="InvalidInputException">The image is damaged, or the caption has no placeholder for the word.</exception>
    internal static ExampleImage Of(ImageFile image, Framing framing, string? caption = null) => Framed(image.Read(framing), framing, caption);

    /// <summary>An image that is framed already.</summary>
    /// <param name="framed">The framed image.</param>
    /// <param name="framing">How it was fitted to the model's size.</param>
    /// <param name="caption">A caption with <see cref="PromptTemplates.Place"/> for the word; null for none.</param>
    /// <exception cref="InvalidInputException">The caption has no placeholder for the word.</exception>
    internal static ExampleImage Framed(Image framed, Framing framing, string? caption = null)
    {
        if (caption is not null)
            PromptTemplates.Validate([caption]);
        // The top-left corner of the used region, in pixels of the scaled image.
        var scale = (double)framing.Place.Width / framing.Region.Width;
        var sizes = new SizeConditioning(framing.Original, (int)Math.Round(framing.Region.Y * scale), (int)Math.Round(framing.Region.X * scale), framing.Framed);
        return new ExampleImage(framed, sizes, caption);
    }
}
