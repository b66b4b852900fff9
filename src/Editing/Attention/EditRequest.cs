using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Editing.Attention;

/// <summary>An edit of a source: new prompts, and how much of the source's attention and layout they keep.</summary>
public sealed record EditRequest
{
    /// <summary>Default of <see cref="SelfResolution"/>.</summary>
    public const int DefaultSelfResolution = 32;

    // More than the side of any layer, and its square is an int.
    internal const int MaxSelfResolution = 1 << 14;

    /// <summary>Default of <see cref="BlendThreshold"/> and <see cref="BlendSubtractThreshold"/>.</summary>
    public const double DefaultBlendThreshold = 0.3;

    /// <summary>Default of <see cref="BlendStart"/>.</summary>
    public const double DefaultBlendStart = 0.2;

    /// <summary>One prompt per edited image; words may carry weights, <c>(word:1.5)</c>. Empty generates only the source.</summary>
    public IReadOnlyList<string> Prompts { get; init; } = [];

    /// <summary>The editing method with its options. Alignment, weights, cross and self steps below are read by Prompt-to-Prompt alone, the default.</summary>
    public EditMethod Method { get; init; } = new PromptToPromptMethod();

    /// <summary>How the tokens of each prompt are aligned with the source prompt's.</summary>
    public AlignmentKind Alignment { get; init; } = AlignmentKind.Auto;

    /// <summary>Attention weights of words of the prompts, in addition to those written in the prompts.</summary>
    public IReadOnlyList<WordWeight> Weights { get; init; } = [];

    /// <summary>Steps in which cross-attention comes from the source; default: the first 80 % for all words.</summary>
    public CrossReplaceSteps CrossSteps { get; init; } = CrossReplaceSteps.Standard;

    /// <summary>Steps in which self-attention comes from the source; default: the first 40 %.</summary>
    public StepWindow SelfSteps { get; init; } = StepWindow.Standard;

    /// <summary>Self-attention comes from the source in layers of at most this value squared positions; 0 to 16384.</summary>
    public int SelfResolution { get; init; } = DefaultSelfResolution;

    /// <summary>
    /// Whether the unconditional row of an edit also takes its self-attention from the source's, as InstructPix2Pix's data were made (Brooks et al., arXiv 2211.09800). It needs
    /// a source made from noise: one with a known trajectory has no unconditional row.
    /// </summary>
    public bool SelfUnconditional { get; init; }

    /// <summary>Words whose regions may change; null for the whole image.</summary>
    public BlendWords? Blend { get; init; }

    /// <summary>Words whose regions stay as in the source.</summary>
    public BlendWords? BlendSubtract { get; init; }

    /// <summary>Whether words confine the edits.</summary>
    internal bool BlendsWords => Blend is not null || BlendSubtract is not null;

    /// <summary>A blend word's region is where its attention exceeds this share of the map's maximum, 0 to 1.</summary>
    public double BlendThreshold { get; init; } = DefaultBlendThreshold;

    /// <summary>The threshold of <see cref="BlendSubtract"/>.</summary>
    public double BlendSubtractThreshold { get; init; } = DefaultBlendThreshold;

    /// <summary>Fraction of the steps before the local blend starts, 0 to 1.</summary>
    public double BlendStart { get; init; } = DefaultBlendStart;

    /// <summary>An image that is white where edits may change the result; null allows changes everywhere.</summary>
    public Image? Mask { get; init; }

    /// <summary>Experimental: a different seed for the edited images. Null starts all of them from the source's noise.</summary>
    public ulong? EditSeed { get; init; }

    /// <summary>
    /// Experimental: the share s of the noise of <see cref="EditSeed"/> in the noise that edits start from, 0 to 1, by variance: √(1−s) of the source's noise plus √s of
    /// their own.
    /// </summary>
    public double EditNoise { get; init; } = 1;

    /// <summary>Checks that all numbers are in range.</summary>
    /// <exception cref="Diffusion.InvalidInputException">A number is out of range, or the method does not use a setting that was changed.</exception>
    public void Validate()
    {
        RequireRange(SelfResolution, 0, MaxSelfResolution, nameof(SelfResolution));
        RequireRange(BlendThreshold, 0.0, 1.0, nameof(BlendThreshold));
        RequireRange(BlendSubtractThreshold, 0.0, 1.0, nameof(BlendSubtractThreshold));
        RequireRange(BlendStart, 0.0, 1.0, nameof(BlendStart));
        RequireRange(EditNoise, 0.0, 1.0, nameof(EditNoise));
        Require(EditSeed is not null || EditNoise == 1, nameof(EditNoise), "Without a seed of their own, edits have no noise of their own.", "Give a seed for the edits, or leave this setting out.");
        Method.Validate();
        if (Method is PromptToPromptMethod)
            return;
        RequireUnused(Alignment == AlignmentKind.Auto, nameof(Alignment));
        RequireUnused(Weights.Count == 0 && Prompts.All(prompt => WeightedPrompt.Parse(prompt).Weights.Count == 0), nameof(Weights));
        RequireUnused(CrossSteps.Default == CrossReplaceSteps.Standard.Default && CrossSteps.Words.Count == 0, nameof(CrossSteps));
        RequireUnused(SelfSteps == StepWindow.Standard, nameof(SelfSteps));
        RequireUnused(SelfResolution == DefaultSelfResolution, nameof(SelfResolution));
        RequireUnused(!SelfUnconditional, nameof(SelfUnconditional));
    }

    private void RequireUnused(bool isDefault, string setting) =>
        Require(isDefault, setting, $"The editing method {Method.Name} does not use it.", $"Leave it out, or use {new PromptToPromptMethod().Name}.");
}
