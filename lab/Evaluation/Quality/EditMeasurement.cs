using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>Measurements of the images of a pair of prompts, made from the same noise.</summary>
/// <param name="Pair">The prompts.</param>
/// <param name="Source">The source image.</param>
/// <param name="Judgement">The judge's assessment of it.</param>
/// <param name="OutsideShare">
/// Share of the image outside the changed words' region; null if the edit concerns the whole image.
/// </param>
/// <param name="Controlled">The edit.</param>
/// <param name="Free">The target prompt without attention control; null for a re-weighting, whose target prompt equals the
/// source's.</param>
internal sealed record EditMeasurement(
    EditPair Pair, Image Source, Judgement Judgement, double? OutsideShare, TargetMeasurement Controlled, TargetMeasurement? Free);

/// <summary>An image of the target prompt compared with the source image.</summary>
/// <param name="Image">The image.</param>
/// <param name="Judgement">The judge's assessment of it.</param>
/// <param name="Outside">
/// Mean absolute difference (0…255) from the source outside the changed words' region; null if the edit concerns the whole image, or
/// if the region covers all of it.
/// </param>
/// <param name="Change">Mean absolute difference (0…255) from the source over the whole image.</param>
/// <param name="Structure">Agreement of edges with the source, −1…1.</param>
/// <param name="Color">Whether the color at the words' attention is the target's; null if the edit does not change the color.</param>
internal sealed record TargetMeasurement(Image Image, Judgement Judgement, double? Outside, double Change, double Structure, bool? Color);
