using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Evaluation.Tests;

/// <summary>The text-to-image model that comes with the project.</summary>
internal static class EmbeddedModel
{
    public static StableDiffusionModel Load() => StableDiffusionModel.Load(Folder());

    public static string Folder()
    {
        for (var here = new DirectoryInfo(AppContext.BaseDirectory); here is not null; here = here.Parent)
        {
            var candidate = Path.Combine(here.FullName, "models", "storybook");
            if (Directory.Exists(candidate))
                return candidate;
        }

        throw new DirectoryNotFoundException("models/storybook belongs to the repository.");
    }
}
