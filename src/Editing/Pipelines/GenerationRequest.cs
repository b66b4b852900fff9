using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>An image to make: from noise, or along the trajectory of an inverted image. The same request on the same model makes the same image.</summary>
public sealed record GenerationRequest
{
    /// <summary>The prompt; words may be emphasized, <c>(word:1.3)</c>.</summary>
    public required string Prompt { get; init; }

    /// <summary>How it is sampled.</summary>
    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>Starting noise instead of the seed's, [1, channels, h, w]; stays the caller's.</summary>
    public Tensor? InitialLatents { get; init; }

    /// <summary>
    /// An inverted image instead of noise; stays the caller's. Prompt, steps, offset, chunks and CLIP skip are then those of the inversion: begin with
    /// <see cref="Of"/>.
    /// </summary>
    public InvertedImage? Inverted { get; init; }

    /// <summary>
    /// Whether the rows of a step are computed one after another, with the memory of one. The image is the same up to rounding. Models that hold one
    /// part in memory at a time always run so.
    /// </summary>
    public bool RowByRow { get; init; }

    /// <summary>An inverted image as a source of edits.</summary>
    /// <param name="inverted">The inversion; stays the caller's.</param>
    public static GenerationRequest Of(InvertedImage inverted) => new()
    {
        Inverted = inverted,
        Prompt = inverted.Settings.Prompt,
        Sampling = inverted.Settings.Sampling with { Sampler = SamplerKind.Ddim },
    };
}

/// <summary>What a run keeps besides its images. It never decides an image.</summary>
public sealed record Observation
{
    /// <summary>Nothing.</summary>
    public static Observation None { get; } = new();

    /// <summary>Whether to collect cross-attention maps, <see cref="EditResult.Maps"/>.</summary>
    public bool Attention { get; init; }

    /// <summary>Whether to collect the source's self-attention, <see cref="EditResult.SelfAttention"/>.</summary>
    public bool SelfAttention { get; init; }

    /// <summary>Whether to keep every step's latents and masks, for <see cref="EditResult.SaveTrace"/> and <see cref="EditResult.AsSource"/>.</summary>
    public bool Trace { get; init; }
}

/// <summary>Progress of a run.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Rows">U-Net rows computed in each step.</param>
/// <param name="Preview">Decodes the current x₀ predictions of the images that are computed. Call it only inside the progress callback; each call runs the autoencoder.</param>
public readonly record struct EditProgress(int Step, int Steps, int Rows, Func<IReadOnlyList<Diffusion.Images.Picture>>? Preview = null);
