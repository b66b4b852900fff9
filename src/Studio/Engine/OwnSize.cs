using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>The framing of an uploaded picture, with which results can be returned at the picture's own size.</summary>
/// <param name="Original">Store name of the uploaded picture.</param>
/// <param name="Framing">How it was framed.</param>
internal sealed record OwnSize(string Original, Framing Framing)
{
    /// <summary>The own size of a recipe's picture; null if it has no uploaded picture or already has that size.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="made">Size of the recipe's picture.</param>
    /// <param name="store">The store with its versions and pictures.</param>
    public static OwnSize? Of(Recipe recipe, PixelSize made, StudioStore store) => recipe switch
    {
        InvertedRecipe inverted => Of(inverted.Picture, inverted.Framing, made, store),
        EditedRecipe edited => store.Version(edited.Source) switch
        {
            // An inpainted picture has its original's size; its edits have the model's.
            { Recipe: InpaintedRecipe } filled => Of(filled.Picture, FramingKind.Crop, made, store),
            var source => Of(source.Recipe, made, store),
        },
        _ => null,
    };

    /// <summary>The own size of a version, or null.</summary>
    public static OwnSize? Of(PictureVersion version, StudioStore store) => Of(version.Recipe, new(version.Facts.Width, version.Facts.Height), store);

    /// <summary>Restores a picture of the model's size into the uploaded picture.</summary>
    public Image Restore(Image made, StudioStore store) => Framing.Restore(made, store.Picture(Original));

    /// <summary>Frames a mask, which may have the shape of the uploaded picture or of the framed one.</summary>
    /// <exception cref="InvalidInputException">The mask has neither shape, or is empty after framing.</exception>
    public Image FrameMask(Image mask) => IsOfFramed(mask) ? mask : Mask.Frame(mask, Framing);

    /// <summary>The mask at the uploaded picture's size, black outside the framed region.</summary>
    public Image RestoreMask(Image mask)
    {
        if (!IsOfFramed(mask))
            return Mask.Fit(mask, Framing.Original);
        var black = new Image(Framing.Original.Width, Framing.Original.Height, new byte[3 * Framing.Original.Width * Framing.Original.Height]);
        return Framing.Restore(Mask.Fit(mask, Framing.Framed), black);
    }

    private bool IsOfFramed(Image mask) => Mask.HasShape(mask.Size, Framing.Framed) || !Mask.HasShape(mask.Size, Framing.Original);

    private static OwnSize? Of(string original, FramingKind kind, PixelSize made, StudioStore store)
    {
        var size = store.PictureSize(original);
        if (size == made)
            return null;
        // "fit" keeps only the model's area; the actual sides are those of the result.
        return new(original, kind == FramingKind.Fit
            ? new Framing(size, PixelRectangle.Whole(size), PixelRectangle.Whole(made), made)
            : Framing.Create(kind, size, made, multiple: 1));
    }
}
