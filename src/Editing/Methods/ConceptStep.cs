using PromptToPrompt.Editing.Prompts;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>The network's predictions for an edit by concepts at one step; all of them are of the edit's own latents, [1, channels, h, w].</summary>
internal sealed record ConceptStep
{
    /// <summary>The step, counted from 0 at the first that is edited.</summary>
    public required int Step { get; init; }

    /// <summary>Number of steps that are edited.</summary>
    public required int Steps { get; init; }

    /// <summary>The prediction with the empty prompt.</summary>
    public required Tensor Unconditional { get; init; }

    /// <summary>The prediction as the inversion made it, with which the edit retraces the image.</summary>
    public required Tensor Inverted { get; init; }

    /// <summary>
    /// Each concept with its prediction and with its attention at this step: the cross-attention of its words, [1, 1, height, width], averaged over the heads
    /// and layers nearest to 16×16 positions and summed over the words.
    /// </summary>
    public required IReadOnlyList<(EditConcept Concept, Tensor Prediction, Tensor Attention)> Concepts { get; init; }
}
