using PromptToPrompt.Diffusion.Autoencoder;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Editing.Tests;

/// <summary>The text-to-image model that comes with the project.</summary>
internal static class EmbeddedModel
{
    /// <summary>Channels of its latents.</summary>
    public static int LatentChannels { get; } = AutoencoderConfig.FromFile(Path.Combine(Folder(), "vae", "config.json")).LatentChannels;

    /// <summary>Side of its pictures in pixels.</summary>
    public static int Side { get; } = UNetConfig.FromFile(Path.Combine(Folder(), "unet", "config.json")).SampleSize
        * AutoencoderConfig.FromFile(Path.Combine(Folder(), "vae", "config.json")).PixelsPerLatent;

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
