using System.Security.Cryptography;
using System.Text;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>
/// A hash that identifies the picture of a recipe: of the model's weights and the recipe. An edit's source enters by
/// its own key, so equal pictures of two projects are made once.
/// </summary>
internal static class RecipeKey
{
    /// <summary>The key of a recipe.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="origin">The source's key for an edit; else the model's fingerprint.</param>
    public static string Of(Recipe recipe, string origin)
    {
        var said = recipe is EditedRecipe edited ? edited with { Source = "" } : recipe;
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{origin}\n{StudioJson.Write(said)}")))[..32];
    }
}
