using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>The configs of all parts of a model.</summary>
internal sealed record ModelConfig
{
    /// <summary>Stable Diffusion 1.5: 512×512, predicts noise.</summary>
    public static ModelConfig StableDiffusion15 { get; } = new()
    {
        UNet = new UNetConfig
        {
            InChannels = 4,
            OutChannels = 4,
            Levels = [new(320, 8, true, true, 1), new(640, 8, true, true, 1), new(1280, 8, true, true, 1), new(1280, 8, false, false, 1)],
            LayersPerBlock = 2,
            CrossAttentionDim = 768,
            NormGroups = 32,
            NormEpsilon = 1e-5,
            LinearProjection = false,
            CosineFirst = true,
            FrequencyShift = 0,
            SampleSize = 64,
        },
        TextEncoder = new ClipTextConfig
        {
            VocabularySize = 49408,
            HiddenSize = 768,
            IntermediateSize = 3072,
            Heads = 12,
            Layers = 12,
            MaxLength = 77,
            QuickGelu = true,
            NormEpsilon = 1e-5,
        },
        Vae = new AutoencoderConfig
        {
            InChannels = 3,
            LatentChannels = 4,
            Channels = [128, 256, 512, 512],
            LayersPerBlock = 2,
            NormGroups = 32,
            ScalingFactor = 0.18215,
        },
        Scheduler = new SchedulerConfig
        {
            ClassName = "PNDMScheduler",
            Noise = new NoiseScheduleConfig { BetaStart = 0.00085, BetaEnd = 0.012, BetaSchedule = BetaSchedule.ScaledLinear },
            StepsOffset = 1,
            Ddim = new DdimConfig { SetAlphaToOne = false },
            Pndm = new PndmConfig { SetAlphaToOne = false, SkipPrkSteps = true },
        },
    };

    /// <summary>Stable Diffusion 2.1: 768×768, predicts velocity.</summary>
    public static ModelConfig StableDiffusion21 { get; } = StableDiffusion15 with
    {
        UNet = StableDiffusion15.UNet with
        {
            Levels = [new(320, 5, true, true, 1), new(640, 10, true, true, 1), new(1280, 20, true, true, 1), new(1280, 20, false, false, 1)],
            CrossAttentionDim = 1024,
            LinearProjection = true,
            SampleSize = 96,
        },
        TextEncoder = StableDiffusion15.TextEncoder with { HiddenSize = 1024, IntermediateSize = 4096, Heads = 16, Layers = 23, QuickGelu = false },
        Scheduler = StableDiffusion15.Scheduler with { ClassName = "DDIMScheduler", PredictionType = PredictionType.VPrediction, Pndm = new PndmConfig { SetAlphaToOne = false } },
    };

    /// <summary>Stable Diffusion XL, base: 1024×1024, predicts noise, reads two text encoders.</summary>
    public static ModelConfig StableDiffusionXl { get; } = StableDiffusion15 with
    {
        UNet = StableDiffusion15.UNet with
        {
            Levels = [new(320, 5, false, false, 1), new(640, 10, true, true, 2), new(1280, 20, true, true, 10)],
            CrossAttentionDim = 2048,
            LinearProjection = true,
            SampleSize = 128,
            Vector = new AddedConditioningConfig(Width: 2816, SizeWidth: 256),
        },
        TextEncoder2 = StableDiffusion15.TextEncoder with
        {
            HiddenSize = 1280,
            IntermediateSize = 5120,
            Heads = 20,
            Layers = 32,
            QuickGelu = false,
            ProjectionSize = 1280,
        },
        Vae = StableDiffusion15.Vae with { ScalingFactor = 0.13025 },
        Scheduler = StableDiffusion15.Scheduler with { ClassName = "EulerDiscreteScheduler", Pndm = new PndmConfig { SetAlphaToOne = false }, TimestepSpacing = TimestepSpacing.Leading },
        ZerosForEmptyPrompt = true,
    };

    /// <summary>Config of the U-Net.</summary>
    public required UNetConfig UNet { get; init; }

    /// <summary>Config of the text encoder.</summary>
    public required ClipTextConfig TextEncoder { get; init; }

    /// <summary>Config of the second text encoder; null for models with one.</summary>
    public ClipTextConfig? TextEncoder2 { get; init; }

    /// <summary>Config of the autoencoder.</summary>
    public required AutoencoderConfig Vae { get; init; }

    /// <summary>Config of the scheduler, with the training noise schedule.</summary>
    public required SchedulerConfig Scheduler { get; init; }

    /// <summary>Whether dropped text was replaced by zeros in training, instead of by an empty prompt.</summary>
    public bool ZerosForEmptyPrompt { get; init; }

    /// <summary>Configs of all text encoders.</summary>
    public IReadOnlyList<ClipTextConfig> TextEncoders => TextEncoder2 is null ? [TextEncoder] : [TextEncoder, TextEncoder2];

    /// <summary>Whether it has the text encoders of a published model family, which determine the autoencoder.</summary>
    internal bool IsPublished => TextEncoder2 is not null ? TextEncoder2 == StableDiffusionXl.TextEncoder2
        : TextEncoder == StableDiffusion15.TextEncoder || TextEncoder == StableDiffusion21.TextEncoder;

    /// <summary>Whether the U-Net is an inpainting model.</summary>
    internal bool IsInpainting => UNet.InChannels > UNet.OutChannels;

    /// <summary>Requires that an image size corresponds to whole latents.</summary>
    /// <exception cref="InvalidInputException">A side is not a multiple of the pixels a latent covers.</exception>
    public void RequireFits(PixelSize size)
    {
        var multiple = Vae.PixelsPerLatent;
        InvalidInputException.Require(
            Math.Min(size.Width, size.Height) >= multiple && size.Width % multiple == 0 && size.Height % multiple == 0,
            "Size",
            $"{size} does not fit this model.",
            $"Width and height must be multiples of {multiple}.");
    }

    /// <summary>Requires that the text encoders have more layers than are skipped.</summary>
    /// <exception cref="InvalidInputException">One of them has not.</exception>
    public void RequireFits(int clipSkip)
    {
        var layers = TextEncoders.Min(encoder => encoder.Layers);
        InvalidInputException.Require(
            clipSkip >= 0 && clipSkip < layers, "ClipSkip", $"{clipSkip} is out of range: the text encoder has {layers} layers.", $"Use a number from 0 to {layers - 1}.");
    }
}
