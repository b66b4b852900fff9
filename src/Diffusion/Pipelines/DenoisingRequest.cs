using PromptToPrompt.Diffusion.Attention;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>What a run denoises, and how.</summary>
public sealed record DenoisingRequest
{
    /// <summary>Starting latents, [pictures, channels, h, w]; stays the caller's.</summary>
    public required Tensor Latents { get; init; }

    /// <summary>The step to start at; those before it are left out, so the latents are as noisy as that step expects.</summary>
    public int FirstStep { get; init; }

    /// <summary>What the U-Net is given beside the latents, on further channels, [1, channels, h, w]; inpainting models take a mask and a picture so.</summary>
    public Tensor? Beside { get; init; }

    /// <summary>Index of each picture's prompt within the whole run, as attention processors are told.</summary>
    public required IReadOnlyList<int> Prompts { get; init; }

    /// <summary>What each picture is conditioned on; stays the caller's.</summary>
    public required Conditioning Conditional { get; init; }

    /// <summary>The unconditional (negative) prompt: one row, or one text for each step, [steps, tokens, width]; stays the caller's.</summary>
    public required Conditioning Unconditional { get; init; }

    /// <summary>Classifier-free guidance w (Ho and Salimans, arXiv 2207.12598); at exactly 1, and for models that take it as an input, the unconditional rows are not computed.</summary>
    public double Guidance { get; init; } = 7.5;

    /// <summary>
    /// How much of guidance's gain in contrast is taken back, φ of Lin et al. (arXiv 2305.08891, §3.4): 0 nothing, 1 all. Models whose training
    /// ended in pure noise are overexposed without it; 0.7 is usual.
    /// </summary>
    public double GuidanceRescale { get; init; }

    /// <summary>Changes what guidance adds: given ε_cond − ε_uncond of the guided pictures, returns what is multiplied by w.</summary>
    public Func<Tensor, Tensor> ShapeGuidance { get; init; } = difference => difference;

    /// <summary>
    /// Latents of the first picture at the start and after each step, [steps + 1, channels, h, w], where they are known beforehand. Its
    /// unconditional row is not computed then, and its conditional row only because other pictures look at its attention.
    /// </summary>
    public Tensor? Known { get; init; }

    /// <summary>
    /// Whether the rows of a step are computed one after another, unconditional ones first, then the pictures in their order: the memory of one row
    /// instead of all.
    /// </summary>
    public bool RowByRow { get; init; }

    /// <summary>The run's attention.</summary>
    public AttentionProcessor Attention { get; init; } = AttentionProcessor.Plain;

    /// <summary>
    /// Told at each step, before it is taken, the clean latents that the network's output stands for, [pictures, channels, h, w] (those that are
    /// computed); the receiver's to dispose. Null when nobody wants to see where the run is heading.
    /// </summary>
    public Action<Tensor>? Predicted { get; init; }

    /// <summary>Called after each scheduler step with the step and the latents; returns the latents to go on with (the same or fresh ones).</summary>
    public Func<int, Tensor, Tensor> AfterStep { get; init; } = (_, latents) => latents;
}
