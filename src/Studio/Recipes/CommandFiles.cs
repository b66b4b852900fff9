using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>The pictures that the commands of <see cref="CommandLineText"/> read.</summary>
internal static class CommandFiles
{
    /// <summary>The given picture, <c>picture.png</c>, by the name it is stored under; null where no command reads one.</summary>
    /// <param name="recipe">What the commands make.</param>
    /// <param name="find">Gives the version of an id.</param>
    public static string? Picture(Recipe recipe, Func<string, PictureVersion> find) => recipe switch
    {
        InvertedRecipe inverted => inverted.Picture,
        InpaintedRecipe filled => filled.Picture,
        EditedRecipe edited => (find(edited.Source).Recipe as InvertedRecipe)?.Picture,
        _ => null,
    };

    /// <summary>The mask as it was brushed, by the name it is stored under; null where there is none.</summary>
    public static string? Mask(Recipe recipe) => recipe switch
    {
        EditedRecipe edited => edited.Mask,
        InpaintedRecipe filled => filled.Mask,
        _ => null,
    };
}
