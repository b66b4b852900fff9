using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>An image for comparing inversions.</summary>
/// <param name="Name">Its name in reports.</param>
/// <param name="Image">The image, at the model's size.</param>
/// <param name="Prompt">Its prompt.</param>
/// <param name="Edit">An edit of it; null if there is none with a known result.</param>
internal sealed record SampleImage(string Name, Image Image, string Prompt, KnownEdit? Edit);

/// <summary>An edit of a drawn image, whose region of change is known exactly.</summary>
/// <param name="Pair">The prompts with their scenes.</param>
/// <param name="Target">The drawn target scene.</param>
/// <param name="Region">
/// Where the subject is drawn in the source or in the target, in whole latent positions plus a margin of one: true where
/// pixels may change, width × height values, row-major.
/// </param>
internal sealed record KnownEdit(EditPair Pair, Image Target, IReadOnlyList<bool> Region);
