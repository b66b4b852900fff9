using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Batch.Making;

/// <summary>The images of one sample of an item.</summary>
/// <param name="Number">Number of the sample, from 0.</param>
/// <param name="Seed">Its seed.</param>
/// <param name="Values">Its settings, with the numbers that were drawn.</param>
/// <param name="Source">The source.</param>
/// <param name="Edits">The edit of each target.</param>
internal sealed record SampleImages(int Number, ulong Seed, SettingValues Values, Image Source, IReadOnlyList<Image> Edits);
