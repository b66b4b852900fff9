using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Pages;

/// <summary>Settings of new pictures, as in the page's fields.</summary>
public sealed record PictureSettings
{
    public string Model { get; init; } = "";

    public ulong Seed { get; init; } = Suggestions.FirstSeed;

    public int Steps { get; init; } = 30;

    public double Guidance { get; init; } = Suggestions.StorybookGuidance;

    public string Negative { get; init; } = "";

    public string Scheduler { get; init; } = "ddim";

    public bool LongPrompts { get; init; }

    public int ClipSkip { get; init; }

    public static PictureSettings For(string model, int steps) => new() { Model = model, Steps = steps, Guidance = Path.GetFileName(model) == "storybook" ? Suggestions.StorybookGuidance : 7.5 };

    /// <summary>The settings of a generated picture; defaults for others.</summary>
    public static PictureSettings Of(PictureVersion version, PictureSettings others) => version.Recipe is DrawnRecipe drawn ? Of(drawn) : others;

    public static PictureSettings Of(DrawnRecipe recipe) => new()
    {
        Model = recipe.Model,
        Seed = recipe.Seed,
        Steps = recipe.Steps,
        Guidance = recipe.Guidance,
        Negative = recipe.Negative,
        Scheduler = recipe.Scheduler,
        LongPrompts = recipe.LongPrompts,
        ClipSkip = recipe.ClipSkip,
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
        LongPrompts = LongPrompts,
        ClipSkip = ClipSkip,
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
        LongPrompts = LongPrompts,
        ClipSkip = ClipSkip,
    };
}
