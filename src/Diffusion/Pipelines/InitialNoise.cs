using PromptToPrompt.Diffusion.Images;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>Starting noise.</summary>
public static class InitialNoise
{
    /// <summary>Noise of a seed: the same numbers as PyTorch's CPU generator draws for this shape, on every device.</summary>
    /// <param name="model">The model, for its latents' channels and scale.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="height">Picture height in pixels.</param>
    /// <param name="width">Picture width in pixels.</param>
    /// <returns>[1, channels, height/f, width/f] float32.</returns>
    /// <exception cref="InvalidInputException">The size is not a multiple of the model's.</exception>
    public static Tensor FromSeed(StableDiffusionModel model, ulong seed, int height, int width)
    {
        var f = model.Shape.Vae.PixelsPerLatent;
        model.RequireFits(new PixelSize(width, height));
        using var generator = new Generator(seed, CPU);
        using var noise = randn([1, model.Shape.Vae.LatentChannels, height / f, width / f], device: CPU, generator: generator);
        return noise.to(model.Device, copy: true);
    }
}
