using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Studio.Grids;

/// <summary>A table of pictures to draw.</summary>
/// <param name="Title">Its title.</param>
/// <param name="Columns">Labels of the columns.</param>
/// <param name="Rows">The rows: a label and a picture for each column, null for an empty place.</param>
public sealed record PictureTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<(string Label, IReadOnlyList<Image?> Pictures)> Rows);
