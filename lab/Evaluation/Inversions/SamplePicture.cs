using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>A picture that inversions are compared on.</summary>
/// <param name="Name">What it is called in reports.</param>
/// <param name="Picture">The picture, at the model's size.</param>
/// <param name="Prompt">What it shows.</param>
/// <param name="Edit">An edit of it; null where the truth of none is known.</param>
public sealed record SamplePicture(string Name, Picture Picture, string Prompt, KnownEdit? Edit);

/// <summary>An edit of a drawn picture: what may change in it is known exactly.</summary>
/// <param name="Pair">The prompts and their scenes.</param>
/// <param name="Target">The target's scene, drawn.</param>
/// <param name="Region">
/// Where the subject is drawn in the source or in the target, in whole positions of the latents and one more all round: true where
/// pixels may change, width × height values, row by row.
/// </param>
public sealed record KnownEdit(EditPair Pair, Picture Target, IReadOnlyList<bool> Region);
