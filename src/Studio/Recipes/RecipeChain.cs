using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Follows edits to their sources.</summary>
internal static class RecipeChain
{
    /// <summary>The first recipe of a chain of edits, or the recipe itself.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="find">Finds a version by id.</param>
    public static RootRecipe Root(this Recipe recipe, Func<string, PictureVersion> find) =>
        recipe is EditedRecipe edited ? find(edited.Source).Recipe.Root(find) : (RootRecipe)recipe;
}
