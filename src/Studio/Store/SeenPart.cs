using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Studio.Store;

/// <summary>The part of a picture that the model sees, and that attention maps cover, in shares of the picture's sides. With bars it reaches beyond the picture.</summary>
/// <param name="X">Left edge.</param>
/// <param name="Y">Upper edge.</param>
/// <param name="Width">Width.</param>
/// <param name="Height">Height.</param>
public sealed record SeenPart(double X, double Y, double Width, double Height)
{
    /// <summary>The part that a framing takes.</summary>
    internal static SeenPart Of(Framing framing)
    {
        var (region, place, original) = (framing.Region, framing.Place, framing.Original);
        // Pixels of the picture per pixel of the framed image.
        var (across, down) = ((double)region.Width / place.Width, (double)region.Height / place.Height);
        return new(
            (region.X - (place.X * across)) / original.Width, (region.Y - (place.Y * down)) / original.Height,
            framing.Framed.Width * across / original.Width, framing.Framed.Height * down / original.Height);
    }
}
