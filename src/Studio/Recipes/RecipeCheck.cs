using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Sessions;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Refuses, before it waits in a queue, what a recipe's run would refuse; what needs the model is refused there.</summary>
internal static class RecipeCheck
{
    private const int LongestText = 2000;

    // No text encoder has more layers; how many the model has is known when it is loaded.
    private const int MostLayers = 64;

    /// <param name="recipe">The recipe.</param>
    /// <param name="store">Knows the pictures and versions it names.</param>
    /// <param name="models">Names of the models.</param>
    /// <exception cref="InvalidInputException">Something does not fit.</exception>
    public static void Require(Recipe recipe, StudioStore store, IReadOnlyList<string> models)
    {
        RequireText("prompt", recipe.Prompt);
        if (string.IsNullOrWhiteSpace(recipe.Prompt))
            throw new InvalidInputException("The prompt is empty; write what the picture shows.");
        if (recipe is RootRecipe root)
        {
            RequireModel(root.Model, models);
            RequireClipSkip(root.ClipSkip);
        }

        switch (recipe)
        {
            case DrawnRecipe drawn:
                RequireText("negative", drawn.Negative);
                RequireNumber("guidance", drawn.Guidance);
                _ = EditRequests.Of(drawn);
                break;
            case InvertedRecipe inverted:
                RequirePicture(inverted.Picture, store);
                RequireNumber("guidance", inverted.Guidance);
                EditRequests.Of(inverted).Validate();
                _ = EditRequests.Framing(inverted);
                _ = Editing.Inversion.InversionMethod.Named(inverted.Method);
                break;
            case InpaintedRecipe filled:
                RequirePicture(filled.Picture, store);
                RequirePicture(filled.Mask, store);
                RequireText("negative", filled.Negative);
                RequireNumber("guidance", filled.Guidance);
                _ = EditRequests.Of(filled);
                break;
            case EditedRecipe edited:
                RequireText("blend", edited.Blend);
                if (edited.Mask is { } mask)
                    RequirePicture(mask, store);
                _ = EditRequests.Of(edited, new EditRequest { Source = store.Version(edited.Source).Recipe.Prompt }, null);
                break;
        }
    }

    private static void RequireModel(string model, IReadOnlyList<string> models)
    {
        if (!models.Contains(model))
            throw new InvalidInputException($"The studio does not offer a model \"{model}\"; it has {string.Join(", ", models)}.");
    }

    private static void RequirePicture(string name, StudioStore store)
    {
        if (!store.HasPicture(name))
            throw new InvalidInputException($"There is no picture \"{name}\"; send it first.");
    }

    private static void RequireText(string name, string text)
    {
        if (text.Length > LongestText)
            throw new InvalidInputException($"{name} has {text.Length} characters; the longest that is taken is {LongestText}.");
    }

    private static void RequireClipSkip(int layers)
    {
        if (layers is < 0 or >= MostLayers)
            throw new InvalidInputException($"clipSkip is {layers}; give a number from 0 to one less than the text encoder has layers, such as 1.");
    }

    private static void RequireNumber(string name, double value)
    {
        if (!double.IsFinite(value) || Math.Abs(value) > 100)
            throw new InvalidInputException($"{name} is {value}; give a number from -100 to 100.");
    }
}
