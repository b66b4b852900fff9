using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>The input pictures of the commands from <see cref="CommandLineText"/>.</summary>
internal static class CommandFiles
{
    /// <summary>Store name of the uploaded picture, <c>picture.png</c>; null if no command reads one.</summary>
    /// <param name="recipe">The recipe of the commands.</param>
    /// <param name="find">Finds a version by id.</param>
    public static string? Picture(Recipe recipe, Func<string, PictureVersion> find) => recipe switch
    {
        InvertedRecipe inverted => inverted.Picture,
        InpaintedRecipe filled => filled.Picture,
        EditedRecipe edited => (find(edited.Source).Recipe as InvertedRecipe)?.Picture,
        _ => null,
    };

    /// <summary>Store name of the brushed mask, or null.</summary>
    public static string? Mask(Recipe recipe) => recipe switch
    {
        EditedRecipe edited => edited.Mask,
        InpaintedRecipe filled => filled.Mask,
        _ => null,
    };
}
