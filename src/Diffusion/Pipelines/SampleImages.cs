using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>Generates sample images in few steps to show the progress of a training run.</summary>
internal static class SampleImages
{
    private const int Steps = 10;
    private const double Guidance = 5;

    /// <summary>Generates images in one batch.</summary>
    /// <param name="model">The model.</param>
    /// <param name="noise">Initial noise, [images, channels, h, w].</param>
    /// <param name="conditional">The conditioning, one row per image.</param>
    /// <param name="unconditional">The conditioning of the empty prompt, one row.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public static IReadOnlyList<Image> Draw(
        StableDiffusionModel model, Tensor noise, Conditioning conditional, Conditioning unconditional, CancellationToken cancellationToken = default)
    {
        using var scheduler = model.CreateScheduler(SchedulerKind.DpmSolverPlusPlus, Steps);
        var request = new DenoisingRequest
        {
            Latents = noise,
            Prompts = [.. Enumerable.Range(0, (int)noise.shape[0])],
            Conditional = conditional,
            Unconditional = unconditional,
            Sampling = new() { Guidance = Guidance },
        };
        IReadOnlyList<Image> drawn = [];
        foreach (var state in DenoisingLoop.Run(model.Denoiser, scheduler, request, cancellationToken))
        {
            if (state.Step == state.Steps - 1)
                drawn = model.Vae.DecodeImages(state.Latents);
        }

        return drawn;
    }
}
