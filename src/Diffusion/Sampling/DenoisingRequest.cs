using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The inputs and settings of a denoising run.</summary>
internal sealed record DenoisingRequest
{
    /// <summary>Initial latents, [images, channels, h, w]; the caller disposes them.</summary>
    public required Tensor Latents { get; init; }

    /// <summary>Index of the first step to run. The latents must have the noise level of that step.</summary>
    public int FirstStep { get; init; }

    /// <summary>Extra input channels, [1, channels, h, w]: the mask and the masked image of inpainting models.</summary>
    public Tensor? ExtraChannels { get; init; }

    /// <summary>Index of each image's prompt within the whole run, for attention processors.</summary>
    public required IReadOnlyList<int> Prompts { get; init; }

    /// <summary>The conditioning of each image; the caller disposes it.</summary>
    public required Conditioning Conditional { get; init; }

    /// <summary>The unconditional (negative) conditioning: one row, or one text per step, [steps, tokens, width]; the caller disposes it.</summary>
    public required Conditioning Unconditional { get; init; }

    /// <summary>
    /// Guidance and its rescale; the loop reads nothing else of the settings. At guidance 1, and for models that take guidance as an input, the
    /// unconditional rows are not computed.
    /// </summary>
    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>Transforms the guidance difference ε_cond − ε_uncond of the guided images; null leaves it unchanged.</summary>
    public Func<Tensor, Tensor>? ShapeGuidance { get; init; }

    /// <summary>
    /// Combines the unconditional and the conditional predictions of the guided images in place of classifier-free guidance; null for guidance.
    /// </summary>
    public Func<Tensor, Tensor, Tensor>? Combine { get; init; }

    /// <summary>Rows in place of those of classifier-free guidance; null for guidance.</summary>
    public OwnRows? Own { get; init; }

    /// <summary>
    /// Known trajectory of the first image: its latents at the start and after each step, [steps + 1, channels, h, w]; null if unknown. Its
    /// unconditional row is then not computed, and its conditional row only provides the attention for the other images.
    /// </summary>
    public Tensor? Trajectory { get; init; }

    /// <summary>
    /// Number of companions, the last images: they are denoised with the source's guidance, only for the attention that other images read. States, previews
    /// and <see cref="AfterStep"/> leave them out.
    /// </summary>
    public int Companions { get; init; }

    /// <summary>The steps before this one have companions; the others leave them out.</summary>
    public int CompanionSteps { get; init; }

    /// <summary>The prompts of the images that are computed at a step.</summary>
    public IReadOnlyList<int> PromptsAt(int step) => step < CompanionSteps ? Prompts : [.. Prompts.SkipLast(Companions)];

    /// <summary>Guidance of the companions and, for models that take guidance as an input, of the image with a known trajectory.</summary>
    public double SourceGuidance { get; init; } = 1;

    /// <summary>Whether the unconditional row of an image with a known trajectory is computed too, because other images read its activations.</summary>
    public bool KnownUnconditional { get; init; }

    /// <summary>Whether the conditional row of an image with a known trajectory is computed. Beside guided images it may be left out, if nothing reads its attention.</summary>
    public bool KnownConditional { get; init; } = true;

    /// <summary>
    /// Whether the rows of a step are computed one after another, unconditional rows first, then the images in order. This needs the memory of
    /// one row only.
    /// </summary>
    public bool RowByRow { get; init; }

    /// <summary>The attention processor of the run.</summary>
    public AttentionProcessor Attention { get; init; } = AttentionProcessor.Plain;

    /// <summary>
    /// Receives the x₀ prediction of each step before the step is taken, [images, channels, h, w] of the computed images; the receiver disposes it.
    /// Null if no preview is wanted.
    /// </summary>
    public Action<Tensor>? Predicted { get; init; }

    /// <summary>Called after each scheduler step with the step and the latents; returns the latents to continue with (the same or new ones).</summary>
    public Func<int, Tensor, Tensor> AfterStep { get; init; } = (_, latents) => latents;
}
