using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Inversion;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>
/// An image to generate, from noise or along the trajectory of an inverted image. Equal requests on the same model give equal images.
/// </summary>
internal sealed record GenerationRequest
{
    /// <summary>The prompt; words may be emphasized, <c>(word:1.3)</c>.</summary>
    public required string Prompt { get; init; }

    /// <summary>The sampling settings.</summary>
    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>The attention processor of the source alone; null for plain attention. It collects no maps.</summary>
    public AttentionProcessor? Attention { get; init; }

    /// <summary>Initial noise instead of the seed's, [1, channels, h, w]; the caller disposes it.</summary>
    public Tensor? InitialLatents { get; init; }

    /// <summary>
    /// An inverted image instead of noise; the caller disposes it. Prompt, steps, offset, chunks and CLIP skip must then match the
    /// inversion: start with <see cref="Of"/>.
    /// </summary>
    public InvertedImage? Inverted { get; init; }

    /// <summary>
    /// Whether the rows of a step are computed one after another, to save memory. The image is the same up to rounding. Models that hold
    /// one part in memory at a time run this way, too, unless the editing method needs all rows of a step at once.
    /// </summary>
    public bool RowByRow { get; init; }

    /// <summary>A request that makes an inverted image the source of edits.</summary>
    /// <param name="inverted">The inversion; the caller disposes it.</param>
    public static GenerationRequest Of(InvertedImage inverted) => new()
    {
        Inverted = inverted,
        Prompt = inverted.Settings.Prompt,
        Sampling = inverted.Settings.Sampling with { Scheduler = SchedulerKind.Ddim },
    };
}

/// <summary>Data that a run keeps besides its images. It does not affect the images.</summary>
public sealed record Observation
{
    /// <summary>Keeps no additional data.</summary>
    public static Observation None { get; } = new();

    /// <summary>Whether to collect cross-attention maps, <see cref="EditResult.Maps"/>.</summary>
    public bool Attention { get; init; }

    /// <summary>Whether to collect the source's self-attention, <see cref="EditResult.SelfAttention"/>.</summary>
    public bool SelfAttention { get; init; }

    /// <summary>Whether to keep every step's latents and masks, for <see cref="EditResult.SaveTrace"/> and further edits.</summary>
    public bool Trace { get; init; }
}

/// <summary>Progress of a run.</summary>
/// <param name="Step">Number of completed steps.</param>
/// <param name="Steps">Total number of steps.</param>
/// <param name="Rows">Rows computed in this step.</param>
/// <param name="Preview">Decodes the current x₀ predictions. Call it only inside the progress callback; each call runs the
/// autoencoder.</param>
public readonly record struct EditProgress(int Step, int Steps, int Rows, Func<IReadOnlyList<Diffusion.Images.Image>>? Preview = null);
