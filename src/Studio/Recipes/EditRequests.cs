using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Recipes as the editing library takes them.</summary>
internal static class EditRequests
{
    private const int MostSteps = 200;

    /// <summary>The request of a picture from noise.</summary>
    public static EditRequest Of(DrawnRecipe recipe) => new()
    {
        Source = recipe.Prompt,
        Negative = recipe.Negative,
        Seed = recipe.Seed,
        Steps = Bounded(recipe.Steps),
        Guidance = recipe.Guidance,
        Sampler = SamplerNames.Parse(recipe.Scheduler),
    };

    /// <summary>How a given picture is inverted.</summary>
    public static InversionSettings Of(InvertedRecipe recipe) => new()
    {
        Prompt = recipe.Prompt,
        Method = recipe.Method,
        Steps = Bounded(recipe.Steps),
        Guidance = recipe.Guidance,
        InnerSteps = recipe.InnerSteps,
    };

    /// <summary>How it is brought to the model's size.</summary>
    public static FramingKind Framing(InvertedRecipe recipe) =>
        Enum.TryParse<FramingKind>(recipe.Frame, ignoreCase: true, out var kind) && Enum.IsDefined(kind) ? kind
            : throw new InvalidInputException($"frame is \"{recipe.Frame}\"; give crop, fit or pad.");

    /// <summary>The sampling of an inpainted picture.</summary>
    public static EditRequest Of(InpaintedRecipe recipe) => new()
    {
        Source = recipe.Prompt,
        Negative = recipe.Negative,
        Seed = recipe.Seed,
        Steps = Bounded(recipe.Steps),
        Guidance = recipe.Guidance,
        WatchAttention = true,
    };

    /// <summary>Adds an edit to the request of its source.</summary>
    /// <param name="recipe">The edit.</param>
    /// <param name="source">The source's request.</param>
    /// <param name="mask">The recipe's mask.</param>
    public static EditRequest Of(EditedRecipe recipe, EditRequest source, Picture? mask) => source with
    {
        Targets = [recipe.Prompt],
        Edit = new EditSpecification
        {
            Kind = Enum.TryParse<AlignmentKind>(recipe.Kind, ignoreCase: true, out var kind) && Enum.IsDefined(kind) ? kind
                : throw new InvalidInputException($"kind is \"{recipe.Kind}\"; give auto, replace or refine."),
            CrossSteps = CrossReplaceSteps.Parse([recipe.CrossSteps, .. recipe.WordSteps.Select(word => $"{word.Key}={word.Value}")]),
            SelfSteps = StepWindow.Parse(recipe.SelfSteps),
        },
        Blend = recipe.Blend.Length == 0 ? null : BlendWords.Parse(recipe.Blend),
        BlendThreshold = recipe.BlendThreshold,
        Mask = mask,
    };

    private static int Bounded(int steps) =>
        steps is >= 1 and <= MostSteps ? steps : throw new InvalidInputException($"steps is {steps}; give a number from 1 to {MostSteps}.");
}
