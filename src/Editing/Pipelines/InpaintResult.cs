using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>An inpainted image.</summary>
/// <param name="Image">The result, at the original image's size.</param>
/// <param name="Run">The underlying run; its single image is the model's output at the framed size.</param>
internal sealed record InpaintResult(Image Image, EditResult Run) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Run.Dispose();
}
