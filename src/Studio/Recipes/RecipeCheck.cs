using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Validates a recipe before it is queued. Checks that need the model happen during the run.</summary>
internal static class RecipeCheck
{
    private static readonly Image NoPicture = new(1, 1, new byte[Image.Channels]);

    private const int MaxTextLength = 2000;
    private const int MaxNameLength = 200;
    private const int MaxWordSteps = 100;

    /// <param name="recipe">The recipe.</param>
    /// <param name="store">The store with its pictures and versions.</param>
    /// <param name="models">Names of the models.</param>
    /// <param name="tokenizerFor">Gives the tokenizer of a recipe's model; see <see cref="WordCheck"/>.</param>
    /// <exception cref="InvalidInputException">The recipe is invalid.</exception>
    public static void Require(Recipe recipe, StudioStore store, IReadOnlyList<string> models, Func<RootRecipe, ClipTokenizer?> tokenizerFor)
    {
        RequireText(nameof(Recipe.Prompt), recipe.Prompt);
        if (string.IsNullOrWhiteSpace(recipe.Prompt))
            throw new InvalidInputException(nameof(Recipe.Prompt), "It is empty.", "Describe the picture.");
        if (recipe is RootRecipe root)
        {
            RequireModel(root.Model, models);
            RequireText(nameof(RootRecipe.Loras), root.Loras ?? "");
        }

        switch (recipe)
        {
            case DrawnRecipe drawn:
                RequireText(nameof(DrawnRecipe.Negative), drawn.Negative);
                RequireName(nameof(DrawnRecipe.Scheduler), drawn.Scheduler);
                RequireName(nameof(DrawnRecipe.Size), drawn.Size ?? "");
                drawn.Sampling().Validate();
                break;
            case InvertedRecipe inverted:
                RequirePicture(nameof(InvertedRecipe.Picture), inverted.Picture, store);
                RequireName(nameof(InvertedRecipe.Method), inverted.Method);
                RequireName(nameof(InvertedRecipe.Frame), inverted.Frame);
                inverted.Inversion().Validate();
                _ = inverted.Framing;
                break;
            case InpaintedRecipe filled:
                RequirePicture(nameof(InpaintedRecipe.Picture), filled.Picture, store);
                RequirePicture(nameof(InpaintedRecipe.Mask), filled.Mask, store);
                store.Pictures.CheckMask(filled.Mask);
                Mask.RequireShape(store.Pictures.SizeOf(filled.Mask), store.Pictures.SizeOf(filled.Picture));
                RequireText(nameof(InpaintedRecipe.Negative), filled.Negative);
                // The bounds do not depend on the picture itself.
                filled.Request(NoPicture, NoPicture).Validate();
                break;
            case LearnedRecipe learned:
                learned.Validate();
                RequirePictures(learned, store);
                break;
            case EditedRecipe edited:
                RequireName(nameof(EditedRecipe.Source), edited.Source);
                RequireModel(InvalidInputException.Naming(nameof(EditedRecipe.Source), () => edited.Root(store.Version)).Model, models);
                RequireName(nameof(EditRequest.Alignment), edited.Kind);
                RequireName(nameof(EditedRecipe.Method), edited.Method ?? "");
                RequireText(nameof(EditedRecipe.Subject), edited.Subject ?? "");
                RequireText(nameof(EditedRecipe.Blend), edited.Blend);
                RequireName(nameof(EditedRecipe.CrossSteps), edited.CrossSteps);
                RequireName(nameof(EditedRecipe.SelfSteps), edited.SelfSteps);
                // Here one window for all words; WordSteps holds those of single words.
                _ = InvalidInputException.Naming(nameof(EditedRecipe.CrossSteps), () => StepWindow.Parse(edited.CrossSteps));
                RequireWordSteps(edited.WordSteps);
                if (edited.Mask is { } mask)
                {
                    RequirePicture(nameof(EditedRecipe.Mask), mask, store);
                    store.Pictures.CheckMask(mask);
                }

                RequireFeather(edited);

                edited.Request(null).Validate();
                RequireSource(edited, store);
                break;
        }

        WordCheck.Require(recipe, store.Version, tokenizerFor);
    }

    /// <summary>Checks again, quickly, that the pictures of a checked recipe are still there.</summary>
    /// <exception cref="InvalidInputException">A picture is gone.</exception>
    public static void RequireStored(Recipe recipe, StudioStore store)
    {
        if (recipe is InvertedRecipe inverted)
            RequirePicture(nameof(InvertedRecipe.Picture), inverted.Picture, store);
        if (recipe is InpaintedRecipe filled)
        {
            RequirePicture(nameof(InpaintedRecipe.Picture), filled.Picture, store);
            RequirePicture(nameof(InpaintedRecipe.Mask), filled.Mask, store);
        }

        if (recipe is LearnedRecipe learned)
            RequirePictures(learned, store);
        if (recipe is EditedRecipe { Mask: { } mask })
            RequirePicture(nameof(EditedRecipe.Mask), mask, store);
    }

    /// <summary>Refuses overlong names, which errors could not repeat.</summary>
    /// <exception cref="InvalidInputException">The name is too long.</exception>
    public static void RequireName(string setting, string name) => RequireText(setting, name, MaxNameLength);

    private static void RequireModel(string model, IReadOnlyList<string> models)
    {
        RequireName(nameof(RootRecipe.Model), model);
        if (!models.Contains(model))
            throw new InvalidInputException(nameof(RootRecipe.Model), $"The studio has no model \"{model}\".", Suggestion.Advice(model, models));
    }

    private static void RequirePicture(string setting, string name, StudioStore store)
    {
        RequireName(setting, name);
        if (!store.Pictures.Has(name))
            throw new InvalidInputException(setting, store.DescribeMissing("picture", name), "Upload it first.");
    }

    private static void RequirePictures(LearnedRecipe recipe, StudioStore store)
    {
        // The deserializer lets null through in a list.
        foreach (var picture in recipe.Pictures)
            RequirePicture(nameof(LearnedRecipe.Pictures), picture ?? "", store);
    }

    private static void RequireWordSteps(IReadOnlyDictionary<string, string> steps)
    {
        if (steps.Count > MaxWordSteps)
            throw new InvalidInputException(nameof(EditedRecipe.WordSteps), $"{steps.Count} words are too many.", $"Use at most {MaxWordSteps}.");
        foreach (var (word, window) in steps)
        {
            // The deserializer lets null through as a dictionary value.
            RequireName(nameof(EditedRecipe.WordSteps), word);
            RequireName(nameof(EditedRecipe.WordSteps), window ?? "");
        }
    }

    // InfEdit, LEDITS++, TurboEdit and Uni-Edit follow inversions that pictures made by the model do not have.
    private static void RequireSource(EditedRecipe edit, StudioStore store)
    {
        // An edit of an edit follows its trajectory.
        if (store.Version(edit.Source).Recipe is EditedRecipe source && source.Root(store.Version) is DrawnRecipe drawn)
        {
            var scheduler = drawn.Sampling().Scheduler ?? SchedulerKind.Ddim;
            InvalidInputException.Require(
                scheduler == SchedulerKind.Ddim, nameof(EditedRecipe.Source), $"It is an edit of a picture made with {scheduler.Name()}, and only edits of pictures made with {SchedulerKind.Ddim.Name()} can be edited further.",
                $"Edit that picture itself, or draw it with {SchedulerKind.Ddim.Name()}.");
        }

        var method = MethodFields.Read(edit);
        if (method is not (InfEdit or LeditsPlusPlus or TurboEdit or UniEdit))
            return;
        InvalidInputException.Require(
            store.Version(edit.Source).Recipe is InvertedRecipe, nameof(EditedRecipe.Method), $"{method.Name} edits uploaded pictures only, and this is not one.", "Use another method.");
        var inverted = (InvertedRecipe)store.Version(edit.Source).Recipe;
        method.Validate(inverted.Sampling(), inverted.Inversion());
    }

    private static void RequireFeather(EditedRecipe edit)
    {
        InvalidInputException.Require(edit.Feather is null || edit.Mask is not null, nameof(EditedRecipe.Feather), "It softens the edge of a mask, and there is none.", "Leave it out, or add a mask.");
        if (edit.Feather is { } feather)
            InvalidInputException.RequireRange(feather, 0.0, InpaintRequest.MaxFeather, nameof(EditedRecipe.Feather));
    }

    private static void RequireText(string setting, string text, int longest = MaxTextLength)
    {
        if (text.Length > longest)
            throw new InvalidInputException(setting, $"{text.Length} characters are too many.", $"Use at most {longest}.");
    }
}
