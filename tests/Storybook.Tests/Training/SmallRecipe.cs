using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.Vae;
using PromptToPrompt.Storybook.Training;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Tests.Training;

/// <summary>A recipe whose steps take milliseconds, with all losses.</summary>
internal static class SmallRecipe
{
    public static TrainingRecipe Create() => new()
    {
        Name = "small",
        ImageSide = 32,
        Vae = new() { InChannels = 3, LatentChannels = 4, Channels = [8, 16], LayersPerBlock = 1, NormGroups = 4, ScalingFactor = 1 },
        UNet = StorybookArchitecture.UNet(latentChannels: 4, width: 32, widths: 32) with { CrossAttentionDim = 32 },
        Autoencoder = new(Images: 16, Batch: 2, PeakRate: 1e-3, AverageDecay: 0.9) { EdgeWeight = 0.3, AdversarialWeight = 0.2, AdversarialFrom = 0.3 },
        Denoiser = new(Images: 16, Batch: 3, PeakRate: 1e-3, AverageDecay: 0.9, Kept: 16),
    };

    public static AutoencoderTrainer Autoencoder(TrainingDevice target, int threads = 1) => new(Create(), seed: 3, target, threads);

    public static DenoiserTrainer Denoiser(TrainingDevice target, AutoencoderKL vae, int threads = 1)
    {
        using var scheduler = new SchedulerConfig().CreateScheduler(SchedulerKind.Ddim, 50);
        return new(Create(), seed: 3, ClipTokenizer.Load(Path.Combine(EmbeddedModel.Folder(), "tokenizer")), vae, scheduler.Noise, target, threads);
    }

    /// <summary>An untrained autoencoder.</summary>
    public static AutoencoderKL Vae(InitialWeights weights) => new(Create().Vae, weights.Root);
}

/// <summary>A scope with an untrained autoencoder of <see cref="SmallRecipe"/>.</summary>
public sealed class UntrainedAutoencoder : IDisposable
{
    private readonly Generator generator = new(4, CPU);
    private readonly InitialWeights weights;

    public UntrainedAutoencoder()
    {
        weights = new InitialWeights(generator);
        Vae = SmallRecipe.Vae(weights);
    }

    internal AutoencoderKL Vae { get; }

    public void Dispose()
    {
        weights.Dispose();
        generator.Dispose();
    }
}
