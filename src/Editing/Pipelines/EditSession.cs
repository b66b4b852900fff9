using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>
/// Many edits of one source. The source runs once and is recorded; each edit then computes only its own two rows (unconditional and
/// conditional) instead of four.
/// </summary>
internal sealed class EditSession : IDisposable
{
    private readonly StableDiffusionModel model;
    private readonly GenerationRequest source;
    private readonly SourceRecording recording;
    private bool isDisposed;

    /// <summary>Creates a session without computing anything.</summary>
    /// <param name="model">The model; not disposed with the session.</param>
    /// <param name="source">The source image.</param>
    /// <param name="recordingType">Type of the recorded activations; bfloat16 halves the memory.</param>
    /// <param name="maxBytes">Memory limit of the recording, in bytes.</param>
    /// <param name="selfResolution">Largest <see cref="EditRequest.SelfResolution"/> of the edits.</param>
    public EditSession(
        StableDiffusionModel model, GenerationRequest source, ScalarType recordingType = ScalarType.Float32, long maxBytes = 6L << 30,
        int selfResolution = EditRequest.DefaultSelfResolution)
    {
        this.model = model;
        this.source = source;
        recording = new SourceRecording(recordingType, maxBytes, selfResolution, source.Sampling.Steps - (source.Inverted?.Settings.FirstStep ?? 0));
    }

    /// <summary>Memory of the recording in bytes.</summary>
    public long RecordedBytes => recording.Bytes;

    /// <summary>Runs the source pass: generates the source image and records what edits need.</summary>
    /// <param name="observation">Additional data to keep.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops the pass before the next step.</param>
    /// <exception cref="InvalidOperationException">The source has already run.</exception>
    public EditResult RunSource(Observation? observation = null, IProgress<EditProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (recording.IsComplete)
            throw new InvalidOperationException("The source of this session has already run.");
        using var plan = new EditPlan(model, source, new EditRequest(), observation);
        return EditRun.Pass(plan, [0], recording, progress, cancellationToken);
    }

    /// <summary>Runs an edit pass: only the edited images, steered by the recording.</summary>
    /// <param name="edit">The edit.</param>
    /// <param name="observation">Additional data to keep.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops the pass before the next step.</param>
    /// <exception cref="InvalidOperationException">The source has not run.</exception>
    /// <exception cref="InvalidInputException">A word or number of the edit does not fit the source.</exception>
    public EditResult Edit(
        EditRequest edit, Observation? observation = null, IProgress<EditProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (!recording.IsComplete)
            throw new InvalidOperationException("Run the source first.");
        InvalidInputException.Require(
            edit.SelfResolution <= SelfResolution, nameof(EditRequest.SelfResolution), $"{edit.SelfResolution} is more than the source was recorded with.", $"Use at most {SelfResolution}.");
        using var plan = new EditPlan(model, source, edit, observation);
        return EditRun.Pass(plan, [.. Enumerable.Range(1, edit.Prompts.Count)], recording, progress, cancellationToken);
    }

    /// <summary>Whether the source needs more memory than the recording may take; known after the first step of <see cref="RunSource"/>.</summary>
    internal bool IsTooLarge => recording.IsTooLarge;

    /// <summary>Largest <see cref="EditRequest.SelfResolution"/> of the edits.</summary>
    internal int SelfResolution => recording.SelfResolution;

    /// <inheritdoc/>
    public void Dispose()
    {
        isDisposed = true;
        recording.Dispose();
    }
}
