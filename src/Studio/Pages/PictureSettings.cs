using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Recipes;

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

    /// <summary>The settings of a generated picture and its edits; others for a picture that was not generated.</summary>
    /// <param name="root">The recipe at the beginning of the chain of sources; null for none.</param>
    /// <param name="others">The others.</param>
    public static DrawnRecipe Of(RootRecipe? root, DrawnRecipe others) => root is DrawnRecipe drawn ? Of(drawn) : others;

    /// <summary>The settings of a recipe.</summary>
    public static DrawnRecipe Of(DrawnRecipe recipe) => recipe with { Prompt = "" };

    /// <summary>How a picture was made, in a few words for the page: <c>seed 4, 30 steps, guidance 5, ddim, storybook</c>.</summary>
    /// <param name="root">The recipe at the beginning of its chain of sources.</param>
    internal static string Describe(RootRecipe root)
    {
        var sampling = root.Sampling();
        string?[] parts =
        [
            root is InvertedRecipe inverted ? $"inverted with {inverted.Method}" : $"seed {sampling.Seed}",
            sampling.Steps == 1 ? "1 step" : $"{sampling.Steps} steps",
            Written($"guidance {sampling.Guidance}"),
            (root as DrawnRecipe)?.Scheduler,
            root is InpaintedRecipe { Strength: < 1 and var strength } ? Written($"strength {strength}") : null,
            (root as DrawnRecipe)?.Size,
            Path.GetFileName(root.Model),
            root.Loras is { Length: > 0 } loras ? $"LoRAs {loras}" : null,
            sampling.ClipSkip > 0 ? $"clip skip {sampling.ClipSkip}" : null,
            sampling.GuidanceRescale > 0 ? Written($"guidance rescale {sampling.GuidanceRescale}") : null,
            root.LongPrompts ? "long prompts" : null,
            sampling.Negative.Length > 0 ? $"negative prompt “{sampling.Negative}”" : null,
        ];
        return string.Join(", ", parts.Where(part => part is not null));
    }

    private static string Written(FormattableString text) => FormattableString.Invariant(text);
}
