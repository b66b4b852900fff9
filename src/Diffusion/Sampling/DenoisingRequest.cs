using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>What a run denoises, and how.</summary>
public sealed record DenoisingRequest
{
    /// <summary>Starting latents, [pictures, channels, h, w]; stays the caller's.</summary>
    public required Tensor Latents { get; init; }

    /// <summary>The step to start at; those before it are left out, so the latents are as noisy as that step expects.</summary>
    public int FirstStep { get; init; }

    /// <summary>Extra input channels, [1, channels, h, w]: the mask and the masked image of inpainting models.</summary>
    public Tensor? ExtraChannels { get; init; }

    /// <summary>Index of each picture's prompt within the whole run, as attention processors are told.</summary>
    public required IReadOnlyList<int> Prompts { get; init; }

    /// <summary>What each picture is conditioned on; stays the caller's.</summary>
    public required Conditioning Conditional { get; init; }

    /// <summary>The unconditional (negative) prompt: one row, or one text for each step, [steps, tokens, width]; stays the caller's.</summary>
    public required Conditioning Unconditional { get; init; }

    /// <summary>Classifier-free guidance w (Ho and Salimans, arXiv 2207.12598); at exactly 1, and for models that take it as an input, the unconditional rows are not computed.</summary>
    public double Guidance { get; init; } = SamplingSettings.DefaultGuidance;

    /// <summary>See <see cref="SamplingSettings.GuidanceRescale"/>.</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>Changes what guidance scales, ε_cond − ε_uncond of the guided images; null to leave it.</summary>
    public Func<Tensor, Tensor>? ShapeGuidance { get; init; }

    /// <summary>
    /// Trajectory of the first image where it is known beforehand: its latents at the start and after each step, [steps + 1, channels, h, w]. Its
    /// unconditional row is not computed then, and its conditional row only for the attention that other images take from it.
    /// </summary>
    public Tensor? Trajectory { get; init; }

    /// <summary>
    /// Whether the rows of a step are computed one after another, unconditional ones first, then the pictures in their order: the memory of one row
    /// instead of all.
    /// </summary>
    public bool RowByRow { get; init; }

    /// <summary>The run's attention.</summary>
    public AttentionProcessor Attention { get; init; } = AttentionProcessor.Plain;

    /// <summary>
    /// Receives each step's x₀ prediction before the step is taken, [images, channels, h, w] of the images that are computed; the receiver disposes it.
    /// Null where no preview is wanted.
    /// </summary>
    public Action<Tensor>? Predicted { get; init; }

    /// <summary>Called after each scheduler step with the step and the latents; returns the latents to go on with (the same or fresh ones).</summary>
    public Func<int, Tensor, Tensor> AfterStep { get; init; } = (_, latents) => latents;
}
