using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>The plan of a training run.</summary>
/// <param name="Directory">Directory of state, log and model; a run that finds its own state there resumes it.</param>
/// <param name="AutoencoderImages">Number of images for the autoencoder; null for the recipe's.</param>
/// <param name="DenoiserImages">Number of images for U-Net and text encoder; null for the recipe's.</param>
/// <param name="Seed">Seed of the whole run.</param>
/// <param name="From">
/// A model directory from an earlier run: its tokenizer and autoencoder are kept, and U-Net and text encoder start from its weights.
/// Null to start from scratch.
/// </param>
public sealed record TrainingPlan(string Directory, long? AutoencoderImages = null, long? DenoiserImages = null, int Seed = 1, string? From = null)
{
    /// <summary>The recipe.</summary>
    internal TrainingRecipe Recipe { get; init; } = TrainingRecipe.Storybook;

    /// <summary>The device.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>Type of the forward and backward passes, float32 or bfloat16; null for the device's fastest.</summary>
    public ScalarType? Dtype { get; init; }

    /// <summary>Number of threads that draw images.</summary>
    public int DrawingThreads { get; init; } = Environment.ProcessorCount;

    /// <summary>Number of images for the autoencoder.</summary>
    internal long AutoencoderTotal => AutoencoderImages ?? Recipe.Autoencoder.Images;

    /// <summary>Number of images for U-Net and text encoder.</summary>
    internal long DenoiserTotal => DenoiserImages ?? Recipe.Denoiser.Images;

    /// <summary>Device and type.</summary>
    internal TrainingDevice Target => Dtype is { } type ? new(Device, type) : TrainingDevice.On(Device);
}
