using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Evaluation.Measures;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>One picture inverted, brought back and edited in one way.</summary>
/// <param name="Sample">The picture.</param>
/// <param name="Contender">The way.</param>
/// <param name="Ceiling">What the autoencoder alone brings back: no inversion can do better.</param>
/// <param name="Source">What the source of an edit brings back.</param>
/// <param name="Retraced">What an edit brings back whose prompt is the source's own, without attention control.</param>
/// <param name="Edited">The edit; null where none was run.</param>
/// <param name="Free">The same edit without attention control; null where none was run.</param>
/// <param name="InversionCost">What the inversion took.</param>
/// <param name="EditCost">What the source and one edit took after it.</param>
/// <param name="Pictures">The pictures themselves; null once they have been let go.</param>
public sealed record InversionTrial(
    SamplePicture Sample,
    InversionContender Contender,
    Fidelity Ceiling,
    Fidelity Source,
    Fidelity Retraced,
    TrialEdit? Edited,
    TrialEdit? Free,
    TrialCost InversionCost,
    TrialCost EditCost,
    TrialPictures? Pictures);

/// <summary>An edit of a picture.</summary>
/// <param name="Outside">
/// Mean absolute difference (0…255) from the autoencoder's round trip of the picture, outside the region that may change; null where the
/// region is the whole picture. The round trip and not the picture, so that the autoencoder's loss is not taken for the edit's.
/// </param>
/// <param name="IsShown">Whether the judge sees the new subject or colour; null where it cannot say.</param>
public readonly record struct TrialEdit(double? Outside, bool? IsShown);

/// <summary>What a part of a trial took.</summary>
/// <param name="Seconds">Time.</param>
/// <param name="Rows">U-Net rows; a backward pass counts as two.</param>
public readonly record struct TrialCost(double Seconds, long Rows);

/// <summary>The pictures of a trial, each as named in <see cref="InversionTrial"/>.</summary>
public sealed record TrialPictures(Picture Ceiling, Picture Source, Picture Retraced, Picture? Edited, Picture? Free);
