using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>The pictures of a pair of prompts, with attention control and without.</summary>
/// <param name="Pair">The prompts.</param>
/// <param name="Source">The source picture.</param>
/// <param name="Controlled">The edit.</param>
/// <param name="Free">The target prompt from the same noise without control.</param>
/// <param name="OutsideControlled">
/// Mean absolute difference (0…255) between edit and source outside the changed words' region; null where the edit concerns the whole
/// picture, or where the region covers all of it.
/// </param>
/// <param name="OutsideFree">The same without control.</param>
/// <param name="OutsideShare">Share of the picture outside the region.</param>
/// <param name="ChangeControlled">Mean absolute difference (0…255) between edit and source over the whole picture.</param>
/// <param name="ChangeFree">The same without control.</param>
/// <param name="StructureControlled">Agreement of edges between edit and source, −1…1.</param>
/// <param name="StructureFree">The same without control.</param>
/// <param name="ColourControlled">Whether the edit's colour is the target's; null where colour is not what changes.</param>
/// <param name="ColourFree">The same without control.</param>
public sealed record EditMeasurement(
    EditPair Pair,
    Picture Source,
    Picture Controlled,
    Picture Free,
    double? OutsideControlled,
    double? OutsideFree,
    double? OutsideShare,
    double ChangeControlled,
    double ChangeFree,
    double StructureControlled,
    double StructureFree,
    bool? ColourControlled,
    bool? ColourFree);
