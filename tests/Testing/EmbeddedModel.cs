using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Testing;

/// <summary>The text-to-image model that comes with the project.</summary>
public static class EmbeddedModel
{
    /// <summary>Channels of its latents.</summary>
    public static int LatentChannels { get; } = AutoencoderConfig.FromFile(Path.Combine(Folder(), "vae", "config.json")).LatentChannels;

    /// <summary>Side of its pictures in pixels.</summary>
    public static int Side { get; } = UNetConfig.FromFile(Path.Combine(Folder(), "unet", "config.json")).SampleSize
        * AutoencoderConfig.FromFile(Path.Combine(Folder(), "vae", "config.json")).PixelsPerLatent;

    public static StableDiffusionModel Load() => StableDiffusionModel.Load(Folder());

    public static string Folder() => Repository.Folder("models", "storybook");
}

/// <summary>The embedded model, loaded once for all tests of a class: nothing can change it.</summary>
public sealed class LoadedModel : IDisposable
{
    public StableDiffusionModel Model { get; } = EmbeddedModel.Load();

    public void Dispose() => Model.Dispose();
}
