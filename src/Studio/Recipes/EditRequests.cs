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
    /// <param name="recipe">The recipe.</param>
    /// <param name="windows">In how many windows its prompts are read.</param>
    public static EditRequest Of(DrawnRecipe recipe, int windows = 1) => new()
    {
        Source = recipe.Prompt,
        Negative = recipe.Negative,
        Seed = recipe.Seed,
        Steps = Bounded(recipe.Steps),
        Guidance = recipe.Guidance,
        Sampler = SamplerNames.Parse(recipe.Scheduler),
        Windows = windows,
        ClipSkip = recipe.ClipSkip,
    };

    /// <summary>How a given picture is inverted.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="windows">In how many windows its prompt is read.</param>
    public static InversionSettings Of(InvertedRecipe recipe, int windows = 1) => new()
    {
        Prompt = recipe.Prompt,
        Method = recipe.Method,
        Steps = Bounded(recipe.Steps),
        Guidance = recipe.Guidance,
        InnerSteps = recipe.InnerSteps,
        Windows = windows,
        ClipSkip = recipe.ClipSkip,
    };

    /// <summary>How it is brought to the model's size.</summary>
    public static FramingKind Framing(InvertedRecipe recipe) => recipe.Frame switch
    {
        "crop" => FramingKind.Crop,
        "fit" => FramingKind.Fit,
        "pad" => FramingKind.Pad,
        _ => throw new InvalidInputException("frame is none of crop, fit and pad; give one of them."),
    };

    /// <summary>The sampling of an inpainted picture.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="windows">In how many windows its prompts are read.</param>
    public static EditRequest Of(InpaintedRecipe recipe, int windows = 1) => new()
    {
        Source = recipe.Prompt,
        Negative = recipe.Negative,
        Seed = recipe.Seed,
        Steps = Bounded(recipe.Steps),
        Guidance = recipe.Guidance,
        WatchAttention = true,
        Windows = windows,
        ClipSkip = recipe.ClipSkip,
    };

    /// <summary>How an inpainted picture is inverted when it becomes a source.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="windows">In how many windows its prompt is read.</param>
    public static InversionSettings AsSource(InpaintedRecipe recipe, int windows) => new()
    {
        Method = "direct",
        Prompt = recipe.Prompt,
        Steps = recipe.Steps,
        Guidance = recipe.Guidance,
        Windows = windows,
        ClipSkip = recipe.ClipSkip,
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
            Kind = recipe.Kind switch
            {
                "auto" => AlignmentKind.Auto,
                "replace" => AlignmentKind.Replace,
                "refine" => AlignmentKind.Refine,
                _ => throw new InvalidInputException("kind is none of auto, replace and refine; give one of them."),
            },
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
