using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Refuses, before it waits in a queue, what a recipe's run would refuse; what needs the model is refused there.</summary>
internal static class RecipeCheck
{
    private const int MaxTextLength = 2000;
    private const int MaxNameLength = 200;
    private const int MaxWordSteps = 100;

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
                // The picture itself decides none of the bounds.
                filled.Request(white, white).Validate();
                break;
            case EditedRecipe edited:
                RequireName("source", edited.Source);
                RequireModel(edited.Root(store.Version).Model, models);
                RequireText("blend", edited.Blend);
                RequireName("crossSteps", edited.CrossSteps);
                RequireName("selfSteps", edited.SelfSteps);
                // One window for all words; those of single words have a place of their own.
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

    /// <summary>Refuses what is longer than any name, which errors could not repeat.</summary>
    /// <exception cref="InvalidInputException">It is.</exception>
    public static void RequireName(string what, string name) => RequireText(what, name, MaxNameLength);

    private static void RequireModel(string model, IReadOnlyList<string> models)
    {
        RequireName("model", model);
        if (!models.Contains(model))
            throw new InvalidInputException($"The studio does not offer a model \"{model}\"; it has {string.Join(", ", models)}.");
    }

    private static void RequirePicture(string name, StudioStore store)
    {
        RequireName("The name of a picture", name);
        if (!store.HasPicture(name))
            throw new InvalidInputException($"There is no picture \"{name}\"; send it first.");
    }

    private static void RequireWordSteps(IReadOnlyDictionary<string, string> steps)
    {
        if (steps.Count > MaxWordSteps)
            throw new InvalidInputException($"wordSteps names {steps.Count} words; up to {MaxWordSteps} are taken.");
        foreach (var (word, window) in steps)
        {
            // JSON's null is let through where a dictionary's values should be.
            RequireName("A word of wordSteps", word);
            RequireName("A window of wordSteps", window ?? "");
        }
    }

    private static void RequireText(string name, string text, int longest = MaxTextLength)
    {
        if (text.Length > longest)
            throw new InvalidInputException($"{name} has {text.Length} characters; the longest that is taken is {longest}.");
    }
}
