using System.Security.Cryptography;
using System.Text;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>
/// What two recipes have in common when they give the same picture: the model's weights, and all that the recipe says. An edit's source counts by
/// its own key, so that equal pictures of two projects are made once.
/// </summary>
internal static class RecipeKey
{
    /// <summary>The key of a recipe.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="origin">Key of the source of an edit; fingerprint of the model for all others.</param>
    public static string Of(Recipe recipe, string origin)
    {
        var said = recipe is EditedRecipe edited ? edited with { Source = "" } : recipe;
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{origin}\n{StudioJson.Write(said)}")))[..32];
    }
}
