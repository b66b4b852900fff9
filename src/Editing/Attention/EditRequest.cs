using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Editing.Attention;

/// <summary>An edit of a source: new prompts, and how much of the source's attention and layout they keep.</summary>
public sealed record EditRequest
{
    /// <summary>Default of <see cref="SelfResolution"/>.</summary>
    public const int DefaultSelfResolution = 32;

    /// <summary>Default of <see cref="BlendThreshold"/> and <see cref="BlendSubtractThreshold"/>.</summary>
    public const double DefaultBlendThreshold = 0.3;

    /// <summary>Default of <see cref="BlendStart"/>.</summary>
    public const double DefaultBlendStart = 0.2;

    /// <summary>The prompts of the edited images, one for each; words may carry weights, <c>(word:1.5)</c>. None makes the source alone.</summary>
    public IReadOnlyList<string> Prompts { get; init; } = [];

    /// <summary>How each prompt is aligned with the source's.</summary>
    public AlignmentKind Alignment { get; init; } = AlignmentKind.Auto;

    /// <summary>Attention weights of words of the prompts, besides those written in them.</summary>
    public IReadOnlyList<WordWeight> Weights { get; init; } = [];

    /// <summary>Steps in which cross-attention comes from the source: the first 80 %, and whole ranges for single words.</summary>
    public CrossReplaceSteps CrossSteps { get; init; } = CrossReplaceSteps.Standard;

    /// <summary>Steps in which self-attention comes from the source: the first 40 %.</summary>
    public StepWindow SelfSteps { get; init; } = StepWindow.Standard;

    /// <summary>Largest side of the layers whose self-attention comes from the source, in latent pixels.</summary>
    public int SelfResolution { get; init; } = DefaultSelfResolution;

    /// <summary>Words whose regions may change; null for the whole image.</summary>
    public BlendWords? Blend { get; init; }

    /// <summary>Words whose regions keep the source.</summary>
    public BlendWords? BlendSubtract { get; init; }

    /// <summary>Attention above this share of a map's maximum counts as a blend word's region, 0 to 1.</summary>
    public double BlendThreshold { get; init; } = DefaultBlendThreshold;

    /// <summary>The threshold of <see cref="BlendSubtract"/>.</summary>
    public double BlendSubtractThreshold { get; init; } = DefaultBlendThreshold;

    /// <summary>Share of the steps before the local blend begins, 0 to 1.</summary>
    public double BlendStart { get; init; } = DefaultBlendStart;

    /// <summary>An image that is white where edits may change something; null for everywhere.</summary>
    public Picture? Mask { get; init; }

    /// <summary>An experiment: another seed for the edited images. Null to start all from the source's noise.</summary>
    public ulong? EditSeed { get; init; }

    /// <summary>Throws unless all numbers lie within their bounds.</summary>
    /// <exception cref="Diffusion.InvalidInputException">A number lies outside.</exception>
    public void Validate()
    {
        RequireRange(BlendThreshold, 0.0, 1.0, nameof(BlendThreshold));
        RequireRange(BlendSubtractThreshold, 0.0, 1.0, nameof(BlendSubtractThreshold));
        RequireRange(BlendStart, 0.0, 1.0, nameof(BlendStart));
    }
}
