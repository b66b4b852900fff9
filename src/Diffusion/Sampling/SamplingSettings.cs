using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The settings for sampling an image. All their defaults and bounds are defined here.</summary>
public sealed record SamplingSettings
{
    /// <summary>Default of <see cref="Steps"/>.</summary>
    public const int DefaultSteps = 50;

    /// <summary>Maximum of <see cref="Steps"/>: one step per training timestep.</summary>
    public const int MaxSteps = 1000;

    /// <summary>Largest <see cref="ClipSkip"/>: no text encoder in use has more than 64 layers.</summary>
    public const int MaxClipSkip = 63;

    /// <summary>Default of <see cref="Guidance"/>.</summary>
    public const double DefaultGuidance = 7.5;

    /// <summary>Maximum of <see cref="Guidance"/>, as in other programs. Models are used with at most about 30.</summary>
    public const double MaxGuidance = 100;

    /// <summary>Number of denoising steps, 1 to <see cref="MaxSteps"/>.</summary>
    public int Steps { get; init; } = DefaultSteps;

    /// <summary>Classifier-free guidance w (Ho and Salimans, arXiv 2207.12598), 0 to <see cref="MaxGuidance"/>; 1 turns it off, and 0 leaves the prompt out.</summary>
    public double Guidance { get; init; } = DefaultGuidance;

    /// <summary>
    /// Guidance rescale φ (Lin et al., arXiv 2305.08891, §3.4), 0 to 1: the share of the added contrast to remove. 0.7 suits models trained with zero
    /// terminal SNR, which are overexposed without it.
    /// </summary>
    public double GuidanceRescale { get; init; }

    /// <summary>The scheduler; null for the model's default if it is supported, else DDIM.</summary>
    public SchedulerKind? Scheduler { get; init; }

    /// <summary>Spacing of the timesteps; null for the model's default.</summary>
    public TimestepSpacing? TimestepSpacing { get; init; }

    /// <summary>Offset of the timesteps; null for the model's default.</summary>
    public int? StepsOffset { get; init; }

    /// <summary>Seed of the initial noise, and of the noise added by stochastic schedulers and edit-friendly inversion.</summary>
    [JsonConverter(typeof(SeedJson))]
    public ulong Seed { get; init; }

    /// <summary>Image size in pixels; null for the model's default.</summary>
    public PixelSize? Size { get; init; }

    /// <summary>The negative prompt: what the image should not show.</summary>
    public string Negative { get; init; } = "";

    /// <summary>
    /// Number of 77-token chunks that the text encoder reads from each prompt of a run, 1 to <see cref="ClipTokenizer.MaxChunks"/>; longer
    /// prompts are truncated.
    /// </summary>
    public int Chunks { get; init; } = 1;

    /// <summary>Number of final text encoder layers to skip; 0 for none.</summary>
    public int ClipSkip { get; init; }

    /// <summary>SDXL's original-size conditioning; null for the image's size.</summary>
    public PixelSize? OriginalSize { get; init; }

    /// <summary>SDXL's crop conditioning: pixels cropped from the left and from the top.</summary>
    public (int Left, int Top) Crop { get; init; }

    /// <summary>SDXL's target-size conditioning; null for the image's size.</summary>
    public PixelSize? TargetSize { get; init; }

    /// <summary>Checks that all numbers are in range. The model may have tighter bounds, for example for <see cref="ClipSkip"/> and <see cref="Size"/>.</summary>
    /// <exception cref="InvalidInputException">A number is out of range.</exception>
    public void Validate()
    {
        RequireRange(Steps, 1, MaxSteps, nameof(Steps));
        RequireRange(Guidance, 0, MaxGuidance, nameof(Guidance));
        RequireRange(GuidanceRescale, 0.0, 1.0, nameof(GuidanceRescale));
        Require(
            Chunks is >= 1 and <= ClipTokenizer.MaxChunks,
            nameof(Chunks),
            $"The prompts need {Chunks} chunks of 77 tokens; at most {ClipTokenizer.MaxChunks} are supported.",
            "Shorten them.");
        RequireRange(ClipSkip, 0, MaxClipSkip, nameof(ClipSkip));
    }

    /// <summary>Applies these settings to a model's scheduler config.</summary>
    /// <param name="config">The model's scheduler config.</param>
    internal SchedulerConfig Configure(SchedulerConfig config) => config with
    {
        StepsOffset = StepsOffset ?? config.StepsOffset,
        TimestepSpacing = TimestepSpacing ?? config.TimestepSpacing,
    };

    /// <summary>The SDXL size conditioning of an image.</summary>
    /// <param name="size">The image's size in pixels.</param>
    internal SizeConditioning SizesOf(PixelSize size) => new(OriginalSize ?? size, Crop.Top, Crop.Left, TargetSize ?? size);
}
