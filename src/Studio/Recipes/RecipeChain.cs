using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Where edits come from.</summary>
internal static class RecipeChain
{
    /// <summary>The recipe that a chain of edits began with, or the recipe itself.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="find">Gives the version of an id.</param>
    public static RootRecipe Root(this Recipe recipe, Func<string, PictureVersion> find) =>
        recipe is EditedRecipe edited ? find(edited.Source).Recipe.Root(find) : (RootRecipe)recipe;
}
