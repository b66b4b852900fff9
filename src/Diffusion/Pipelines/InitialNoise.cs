using PromptToPrompt.Diffusion.Images;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>Creates initial noise.</summary>
internal static class InitialNoise
{
    /// <summary>Noise from a seed: the numbers that PyTorch's CPU generator draws for this shape, on every device.</summary>
    /// <param name="model">The model; defines the number of latent channels and the scale.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="height">Image height in pixels.</param>
    /// <param name="width">Image width in pixels.</param>
    /// <returns>[1, channels, height/f, width/f] float32.</returns>
    /// <exception cref="InvalidInputException">The size is not a multiple of the model's pixels per latent.</exception>
    public static Tensor FromSeed(StableDiffusionModel model, ulong seed, int height, int width)
    {
        var f = model.Shape.Vae.PixelsPerLatent;
        model.RequireFits(new PixelSize(width, height));
        using var generator = new Generator(seed, CPU);
        using var noise = randn([1, model.Shape.Vae.LatentChannels, height / f, width / f], device: CPU, generator: generator);
        return noise.to(model.Device, copy: true);
    }
}
