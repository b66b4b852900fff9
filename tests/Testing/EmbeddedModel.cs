using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Testing;

/// <summary>The text-to-image model that comes with the project.</summary>
public static class EmbeddedModel
{
    public static StableDiffusionModel Load() => StableDiffusionModel.Load(Folder());

    public static string Folder() => Repository.Folder("models", "storybook");
}
