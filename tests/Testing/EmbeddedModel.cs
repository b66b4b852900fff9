using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Testing;

/// <summary>The text-to-image model that comes with the project.</summary>
public static class EmbeddedModel
{
    /// <summary>Side of its images in pixels.</summary>
    public static int Side { get; } = UNetConfig.FromFile(Path.Combine(Folder(), "unet", "config.json")).SampleSize
        * AutoencoderConfig.FromFile(Path.Combine(Folder(), "vae", "config.json")).PixelsPerLatent;

    public static StableDiffusionModel Load() => StableDiffusionModel.Load(Folder());

    public static string Folder() => Repository.Folder("models", "storybook");
}
