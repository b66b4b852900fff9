using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>The picture that somebody gave and the model saw at a size of its own: what comes of it can be brought back.</summary>
/// <param name="Original">The given picture, by the name it is stored under.</param>
/// <param name="Framing">How it was brought to the model's size.</param>
internal sealed record OwnSize(string Original, Framing Framing)
{
    /// <summary>The own size of what a recipe makes; null where it began with a prompt, or has that size already.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="made">Size of its picture.</param>
    /// <param name="store">Has the versions and pictures it names.</param>
    public static OwnSize? Of(Recipe recipe, PixelSize made, StudioStore store) => recipe switch
    {
        InvertedRecipe inverted => Of(inverted.Picture, inverted.Framing, made, store),
        EditedRecipe edited => store.Version(edited.Source) switch
        {
            // A filled picture has the size of the one that was given; its edits have the model's.
            { Recipe: InpaintedRecipe } filled => Of(filled.Picture, FramingKind.Crop, made, store),
            var source => Of(source.Recipe, made, store),
        },
        _ => null,
    };

    /// <summary>The own size of a version; null where there is none.</summary>
    public static OwnSize? Of(PictureVersion version, StudioStore store) => Of(version.Recipe, new(version.Facts.Width, version.Facts.Height), store);

    /// <summary>A picture of the model's size in the given picture's place.</summary>
    public Picture Restore(Picture made, StudioStore store) => Framing.Restore(made, store.Picture(Original));

    /// <summary>A mask as the model saw the picture: masks may be of what the model saw, or of the given picture.</summary>
    /// <exception cref="InvalidInputException">The mask has the shape of neither, or all that may change lies outside what the model saw.</exception>
    public Picture FrameMask(Picture mask) => IsOfFramed(mask) ? mask : Mask.Frame(mask, Framing);

    /// <summary>The same mask as one of the given picture, black where the model saw nothing.</summary>
    public Picture RestoreMask(Picture mask)
    {
        if (!IsOfFramed(mask))
            return Mask.Fit(mask, Framing.Original);
        var black = new Picture(Framing.Original.Width, Framing.Original.Height, new byte[3 * Framing.Original.Width * Framing.Original.Height]);
        return Framing.Restore(Mask.Fit(mask, Framing.Framed), black);
    }

    private bool IsOfFramed(Picture mask) => Mask.HasShape(mask.Size, Framing.Framed) || !Mask.HasShape(mask.Size, Framing.Original);

    private static OwnSize? Of(string original, FramingKind kind, PixelSize made, StudioStore store)
    {
        var size = store.PictureSize(original);
        if (size == made)
            return null;
        // Fitted to the model's area; which sides came of it is seen at what was made.
        return new(original, kind == FramingKind.Fit
            ? new Framing(size, PixelRectangle.Whole(size), PixelRectangle.Whole(made), made)
            : Framing.Create(kind, size, made, multiple: 1));
    }
}
