using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>An inpainted picture.</summary>
/// <param name="Picture">The result, of the given picture's size.</param>
/// <param name="Run">The run behind it; its one picture is the model's, of the framed size.</param>
public sealed record InpaintResult(Picture Picture, EditResult Run) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Run.Dispose();
}
