using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Edits;

/// <summary>What a person asks of an edit, apart from the prompts.</summary>
public sealed record EditSpecification
{
    /// <summary>How the prompts are aligned.</summary>
    public AlignmentKind Kind { get; init; } = AlignmentKind.Auto;

    /// <summary>Weights of words of the target.</summary>
    public IReadOnlyList<WordWeight> Weights { get; init; } = [];

    /// <summary>When cross-attention comes from the source.</summary>
    public CrossReplaceSteps CrossSteps { get; init; } = CrossReplaceSteps.Usual;

    /// <summary>When self-attention comes from the source: the first 40 % of the run.</summary>
    public StepWindow SelfSteps { get; init; } = StepWindow.Until(0.4);

    /// <summary>Layers with at most this number squared of pixels take self-attention from the source.</summary>
    public int SelfResolution { get; init; } = 32;
}
