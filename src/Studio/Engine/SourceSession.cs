using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Sessions;

namespace PromptToPrompt.Studio.Engine;

/// <summary>A source that has been run and recorded, ready for edits.</summary>
/// <param name="model">The model; stays the caller's.</param>
/// <param name="request">The source.</param>
/// <param name="inverted">Where the source is a given picture, or an edit: its way, which the session takes over.</param>
/// <param name="maxBytes">Most memory its recording may take.</param>
internal sealed class SourceSession(StableDiffusionModel model, EditRequest request, InvertedPicture? inverted, long maxBytes) : IDisposable
{
    private readonly EditSession session = new(model, request, maxBytes: maxBytes);

    /// <summary>The source's request.</summary>
    public EditRequest Request => request;

    /// <summary>Memory it takes.</summary>
    public long Bytes => session.RecordedBytes;

    /// <summary>Runs the source.</summary>
    public EditResult Run(IProgress<EditProgress> progress, CancellationToken cancel) => session.RunSource(progress, cancel);

    /// <summary>Runs an edit.</summary>
    public EditResult Edit(Func<EditRequest, EditRequest> change, IProgress<EditProgress> progress, CancellationToken cancel) => session.Edit(change, progress, cancel);

    /// <inheritdoc/>
    public void Dispose()
    {
        session.Dispose();
        inverted?.Dispose();
    }
}
