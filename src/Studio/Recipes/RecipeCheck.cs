using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Validates a recipe before it is queued. Checks that need the model happen during the run.</summary>
internal static class RecipeCheck
{
    private const int MaxTextLength = 2000;
    private const int MaxNameLength = 200;
    private const int MaxWordSteps = 100;

    /// <param name="recipe">The recipe.</param>
    /// <param name="store">The store with its pictures and versions.</param>
    /// <param name="models">Names of the models.</param>
    /// <exception cref="InvalidInputException">The recipe is invalid.</exception>
    public static void Require(Recipe recipe, StudioStore store, IReadOnlyList<string> models)
    {
        RequireText("prompt", recipe.Prompt);
        if (string.IsNullOrWhiteSpace(recipe.Prompt))
            throw new InvalidInputException("The prompt is empty.");
        if (recipe is RootRecipe root)
        {
            RequireModel(root.Model, models);
        }

        switch (recipe)
        {
            case DrawnRecipe drawn:
                RequireText("negative", drawn.Negative);
                RequireName("scheduler", drawn.Scheduler);
                drawn.Sampling().Validate();
                break;
            case InvertedRecipe inverted:
                RequirePicture(inverted.Picture, store);
                RequireName("method", inverted.Method);
                inverted.Inversion().Validate();
                _ = inverted.Framing;
                break;
            case InpaintedRecipe filled:
                RequirePicture(filled.Picture, store);
                RequirePicture(filled.Mask, store);
                var white = store.Mask(filled.Mask);
                _ = Mask.Fit(white, store.PictureSize(filled.Picture));
                RequireText("negative", filled.Negative);
                // The bounds do not depend on the picture itself.
                filled.Request(white, white).Validate();
                break;
            case EditedRecipe edited:
                RequireName("source", edited.Source);
                RequireModel(edited.Root(store.Version).Model, models);
                RequireText("blend", edited.Blend);
                RequireName("crossSteps", edited.CrossSteps);
                RequireName("selfSteps", edited.SelfSteps);
                // Here one window for all words; WordSteps holds those of single words.
                _ = InvalidInputException.Naming(nameof(EditedRecipe.CrossSteps), () => StepWindow.Parse(edited.CrossSteps));
                RequireWordSteps(edited.WordSteps);
                if (edited.Mask is { } mask)
                {
                    RequirePicture(mask, store);
                    _ = store.Mask(mask);
                }

                edited.Request(null).Validate();
                break;
        }
    }

    /// <summary>Refuses overlong names, which errors could not repeat.</summary>
    /// <exception cref="InvalidInputException">The name is too long.</exception>
    public static void RequireName(string what, string name) => RequireText(what, name, MaxNameLength);

    private static void RequireModel(string model, IReadOnlyList<string> models)
    {
        RequireName("model", model);
        if (!models.Contains(model))
            throw new InvalidInputException($"The studio has no model \"{model}\". Use {InvalidInputException.AnyOf([.. models])}.");
    }

    private static void RequirePicture(string name, StudioStore store)
    {
        RequireName("The name of a picture", name);
        if (!store.HasPicture(name))
            throw new InvalidInputException($"There is no picture \"{name}\". Upload it first.");
    }

    private static void RequireWordSteps(IReadOnlyDictionary<string, string> steps)
    {
        if (steps.Count > MaxWordSteps)
            throw new InvalidInputException($"wordSteps names {steps.Count} words; at most {MaxWordSteps} are accepted.");
        foreach (var (word, window) in steps)
        {
            // The deserializer lets null through as a dictionary value.
            RequireName("A word of wordSteps", word);
            RequireName("A window of wordSteps", window ?? "");
        }
    }

    private static void RequireText(string name, string text, int longest = MaxTextLength)
    {
        if (text.Length > longest)
            throw new InvalidInputException($"{name} has {text.Length} characters; at most {longest} are accepted.");
    }
}
