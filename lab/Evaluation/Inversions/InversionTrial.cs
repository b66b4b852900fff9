using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Evaluation.Measures;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>One image inverted, reconstructed and edited by one contender.</summary>
/// <param name="Sample">The image.</param>
/// <param name="Contender">The contender.</param>
/// <param name="Ceiling">Fidelity of the autoencoder's round trip, the upper bound.</param>
/// <param name="Source">Fidelity of an edit's source.</param>
/// <param name="Retraced">Fidelity of an edit to the source's own prompt, without attention control.</param>
/// <param name="Edited">The edit; null if none was run.</param>
/// <param name="Free">The same edit without attention control; null if none was run.</param>
/// <param name="InversionCost">Cost of the inversion.</param>
/// <param name="EditCost">Cost of the source and one edit after it.</param>
/// <param name="Images">The images; null once they have been released.</param>
internal sealed record InversionTrial(
    SampleImage Sample,
    InversionContender Contender,
    Fidelity Ceiling,
    Fidelity Source,
    Fidelity Retraced,
    TrialEdit? Edited,
    TrialEdit? Free,
    TrialCost InversionCost,
    TrialCost EditCost,
    TrialImages? Images);

/// <summary>An edit of an image.</summary>
/// <param name="Outside">
/// Mean absolute difference (0…255) from the autoencoder's round trip of the image, outside the region that may change; null if the
/// region is the whole image. The round trip is the reference, so that the autoencoder's loss does not count.
/// </param>
/// <param name="IsShown">Whether the judge recognizes the new subject or color; null if unknown.</param>
internal readonly record struct TrialEdit(double? Outside, bool? IsShown);

/// <summary>The cost of a part of a trial.</summary>
/// <param name="Seconds">Duration.</param>
/// <param name="Rows">U-Net rows; a backward pass counts as two.</param>
internal readonly record struct TrialCost(double Seconds, long Rows);

/// <summary>The images of a trial, named as in <see cref="InversionTrial"/>.</summary>
internal sealed record TrialImages(Image Ceiling, Image Source, Image Retraced, Image? Edited, Image? Free);
