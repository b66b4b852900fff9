using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Pages;

/// <summary>Settings of new pictures, as in the page's fields: a recipe without its prompt.</summary>
public static class PictureSettings
{
    /// <summary>Settings to begin with.</summary>
    /// <param name="model">The model.</param>
    /// <param name="steps">Denoising steps.</param>
    public static DrawnRecipe For(string model, int steps) => new()
    {
        Prompt = "",
        Model = model,
        Seed = Suggestions.FirstSeed,
        Steps = steps,
        Guidance = Path.GetFileName(model) == "storybook" ? Suggestions.StorybookGuidance : SamplingSettings.DefaultGuidance,
    };

    /// <summary>The settings of a generated picture; others for a picture that was not generated.</summary>
    public static DrawnRecipe Of(PictureVersion version, DrawnRecipe others) => version.Recipe is DrawnRecipe drawn ? Of(drawn) : others;

    /// <summary>The settings of a recipe.</summary>
    public static DrawnRecipe Of(DrawnRecipe recipe) => recipe with { Prompt = "" };
}
