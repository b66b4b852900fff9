using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Storybook.Training;

/// <summary>The shape of an embedded model and all numbers of its training.</summary>
internal sealed record TrainingRecipe
{
    /// <summary>The recipe of <c>models/storybook</c>: 128×128 images, trained in hours on a CPU.</summary>
    public static TrainingRecipe Storybook { get; } = new()
    {
        Name = "storybook",
        ImageSide = 128,
        Vae = new()
        {
            InChannels = 3,
            LatentChannels = 8,
            Channels = [16, 32, 64, 64],
            LayersPerBlock = 1,
            NormGroups = 8,
            ScalingFactor = 1,
        },
        UNet = StorybookArchitecture.UNet(latentChannels: 8, width: 64, widths: 128),
        Autoencoder = new(Images: 34_000, Batch: 4, PeakRate: 1.5e-3, AverageDecay: 0.998),
        Denoiser = new(Images: 252_000, Batch: 24, PeakRate: 1e-3, AverageDecay: 0.9995, Kept: 120_000),
    };

    /// <summary>
    /// A sharper model of 256×256 images, to be trained on a GPU. The autoencoder shrinks by 16 to the same 16×16 positions, with twice the
    /// channels; edges and a discriminator keep its images crisp. Its weights take 40 MB in float16.
    /// </summary>
    public static TrainingRecipe Storybook256 { get; } = new()
    {
        Name = "storybook-256",
        ImageSide = 256,
        Vae = new()
        {
            InChannels = 3,
            LatentChannels = 16,
            // Not narrower at the finest level: a CPU computes convolutions in groups of 32 channels anyway.
            Channels = [32, 64, 96, 128, 128],
            LayersPerBlock = 1,
            NormGroups = 8,
            ScalingFactor = 1,
        },
        UNet = StorybookArchitecture.UNet(latentChannels: 16, width: 128, widths: 192),
        // At five times this rate, the first steps align all features with brightness, and colors are not learned in the next thousand.
        Autoencoder = new(Images: 192_000, Batch: 16, PeakRate: 2e-4, AverageDecay: 0.999)
        {
            BeginsLinear = true,
            EdgeWeight = 0.25,
            AdversarialWeight = 0.2,
            AdversarialFrom = 0.7,
        },
        Denoiser = new(Images: 640_000, Batch: 64, PeakRate: 5e-4, AverageDecay: 0.9995, Kept: 120_000),
    };

    /// <summary>All recipes.</summary>
    public static IReadOnlyList<TrainingRecipe> All { get; } = [Storybook, Storybook256];

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Side of its images in pixels.</summary>
    public required int ImageSide { get; init; }

    public required AutoencoderConfig Vae { get; init; }

    public required UNetConfig UNet { get; init; }

    public required AutoencoderRecipe Autoencoder { get; init; }

    public required DenoiserRecipe Denoiser { get; init; }

    /// <summary>The config of the text encoder for a number of tokens.</summary>
    public ClipTextConfig TextEncoder(int vocabulary) => StorybookArchitecture.TextEncoder(vocabulary, UNet.CrossAttentionDim);

    /// <summary>The recipe with a name.</summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public static TrainingRecipe Named(string name) => All.FirstOrDefault(recipe => recipe.Name == name)
        ?? throw new InvalidInputException($"There is no recipe \"{name}\". Use {InvalidInputException.AnyOf([.. All.Select(recipe => recipe.Name)])}.");
}

/// <summary>The training of an autoencoder.</summary>
/// <param name="Images">Number of images.</param>
/// <param name="Batch">Images per step.</param>
/// <param name="PeakRate">Learning rate of the constant phase.</param>
/// <param name="AverageDecay">Decay of the running average of the weights.</param>
internal sealed record AutoencoderRecipe(long Images, int Batch, double PeakRate, double AverageDecay)
{
    /// <summary>
    /// Side of the crops that it trains on, a multiple of its reduction; null for whole images. The autoencoder works on images of any size,
    /// and crops of half the side take a quarter of the time, which counts on a CPU.
    /// </summary>
    public int? CropSide { get; init; }

    /// <summary>Whether its weights start with <see cref="LinearStart"/>, which helps a deep autoencoder.</summary>
    public bool BeginsLinear { get; init; }

    /// <summary>Weight of <see cref="EdgeLoss"/>; 0 for none.</summary>
    public double EdgeWeight { get; init; }

    /// <summary>Weight of <see cref="AdversarialLoss"/>, times its adaptive weight; 0 for none.</summary>
    public double AdversarialWeight { get; init; }

    /// <summary>Share of the run without the adversarial loss: before, images are so blurred that a discriminator learns nothing else.</summary>
    public double AdversarialFrom { get; init; } = 0.5;
}

/// <summary>The training of a U-Net with its text encoder.</summary>
/// <param name="Images">Number of images.</param>
/// <param name="Batch">Images per step.</param>
/// <param name="PeakRate">Learning rate of the constant phase.</param>
/// <param name="AverageDecay">Decay of the running average of the weights.</param>
/// <param name="Kept">Number of encoded images that are kept and reused, a multiple of <see cref="LatentPool.Batch"/>.</param>
internal sealed record DenoiserRecipe(long Images, int Batch, double PeakRate, double AverageDecay, int Kept);
