namespace PromptToPrompt.Diffusion.Images;

/// <summary>The way to fit an image of any aspect ratio to the model's.</summary>
public enum FramingKind
{
    /// <summary>The largest centered part with the model's aspect ratio; the model does not see the rest.</summary>
    Crop,

    /// <summary>The whole image at about the model's area; the sides are rounded to multiples that the model supports.</summary>
    Fit,

    /// <summary>The whole image inside the model's size, with its edge pixels repeated into the bars.</summary>
    Pad,
}
