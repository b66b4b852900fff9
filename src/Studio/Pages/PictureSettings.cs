using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Pages;

/// <summary>How new pictures are made, as the page's fields have it.</summary>
public sealed record PictureSettings
{
    public string Model { get; init; } = "";

    public long Seed { get; init; } = Suggestions.FirstSeed;

    public int Steps { get; init; } = 30;

    public double Guidance { get; init; } = Suggestions.StorybookGuidance;

    public string Negative { get; init; } = "";

    public string Scheduler { get; init; } = "ddim";

    public static PictureSettings For(string model, int steps) => new() { Model = model, Steps = steps, Guidance = Path.GetFileName(model) == "storybook" ? Suggestions.StorybookGuidance : 7.5 };

    public static PictureSettings Of(DrawnRecipe recipe) => new()
    {
        Model = recipe.Model,
        Seed = recipe.Seed,
        Steps = recipe.Steps,
        Guidance = recipe.Guidance,
        Negative = recipe.Negative,
        Scheduler = recipe.Scheduler,
    };

    public DrawnRecipe Draw(string prompt) => new()
    {
        Prompt = prompt,
        Model = Model,
        Seed = Seed,
        Steps = Steps,
        Guidance = Guidance,
        Negative = Negative,
        Scheduler = Scheduler,
    };

    public InpaintedRecipe Fill(string picture, string mask, string prompt) => new()
    {
        Prompt = prompt,
        Model = Model,
        Picture = picture,
        Mask = mask,
        Seed = Seed,
        Steps = Steps,
        Guidance = Guidance,
        Negative = Negative,
    };
}
