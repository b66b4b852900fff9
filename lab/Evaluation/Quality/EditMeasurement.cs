using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>The pictures of a pair of prompts from one noise, measured.</summary>
/// <param name="Pair">The prompts.</param>
/// <param name="Source">The source picture.</param>
/// <param name="Judgement">What the judge sees in it.</param>
/// <param name="OutsideShare">
/// Share of the picture outside the changed words' region; null where the edit concerns the whole picture.
/// </param>
/// <param name="Controlled">The edit.</param>
/// <param name="Free">The target prompt without attention control; null for a re-weighting, whose target prompt is the source's.</param>
public sealed record EditMeasurement(
    EditPair Pair, Picture Source, Judgement Judgement, double? OutsideShare, TargetMeasurement Controlled, TargetMeasurement? Free);

/// <summary>A picture of the target prompt beside the source picture.</summary>
/// <param name="Picture">The picture.</param>
/// <param name="Judgement">What the judge sees in it.</param>
/// <param name="Outside">
/// Mean absolute difference (0…255) from the source outside the changed words' region; null where the edit concerns the whole picture, or
/// where the region covers all of it.
/// </param>
/// <param name="Change">Mean absolute difference (0…255) from the source over the whole picture.</param>
/// <param name="Structure">Agreement of edges with the source, −1…1.</param>
/// <param name="Colour">Whether the colour where the words look is the target's; null where colour is not what changes.</param>
public sealed record TargetMeasurement(Picture Picture, Judgement Judgement, double? Outside, double Change, double Structure, bool? Colour);
