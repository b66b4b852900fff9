using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>How the model sees pictures that began with an uploaded one.</summary>
internal static class VersionFraming
{
    /// <summary>The framing of a version's picture; null if the picture is the model's own image.</summary>
    /// <param name="version">The version.</param>
    /// <param name="store">The store with its sources and pictures.</param>
    public static Framing? Of(PictureVersion version, StudioStore store) => version.Facts.Output is not { } output ? null
        : Create(KindOf(version.Recipe.Root(store.Version)), store.Pictures.SizeOf(version.Picture), store.Pictures.SizeOf(output));

    /// <summary>The framing of pictures of a size to a known size.</summary>
    public static Framing Create(FramingKind kind, PixelSize picture, PixelSize framed) => kind == FramingKind.Fit
        // "fit" keeps only the model's area; the sides are those of the framed image.
        ? new Framing(picture, PixelRectangle.Whole(picture), PixelRectangle.Whole(framed), framed)
        : Framing.Create(kind, picture, framed, multiple: 1);

    /// <summary>The kind of framing of a recipe's pictures and their edits.</summary>
    public static FramingKind KindOf(RootRecipe recipe) => recipe is InvertedRecipe inverted ? inverted.Framing : FramingKind.Crop;

    /// <summary>Frames a mask, which may have the shape of the picture or of the framed image.</summary>
    /// <exception cref="Diffusion.InvalidInputException">The mask has neither shape, or is empty after framing.</exception>
    public static Image FrameMask(this Framing framing, Image mask) => IsOfPicture(framing, mask) ? Mask.Frame(mask, framing) : mask;

    /// <summary>The same mask at the picture's size, black outside the framed region.</summary>
    public static Image RestoreMask(this Framing framing, Image mask)
    {
        if (IsOfPicture(framing, mask))
            return Mask.Fit(mask, framing.Original);
        var black = new Image(framing.Original.Width, framing.Original.Height, new byte[3 * framing.Original.Width * framing.Original.Height]);
        return framing.Restore(Mask.Fit(mask, framing.Framed), black);
    }

    private static bool IsOfPicture(Framing framing, Image mask) => Mask.HasShape(mask.Size, framing.Original) || !Mask.HasShape(mask.Size, framing.Framed);
}
