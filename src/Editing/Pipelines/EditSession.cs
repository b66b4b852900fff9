using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>
/// Many edits of one source. The source runs once and is recorded; each edit then computes only its own two rows (unconditional and
/// conditional) instead of four. A source that needs more memory than the limit is not recorded: it runs again with each edit, in one batch. Methods that
/// read other activations than Prompt-to-Prompt run the source with their first edit, which records them for the edits after it.
/// </summary>
internal sealed class EditSession : IDisposable
{
    private readonly StableDiffusionModel model;
    private readonly GenerationRequest source;
    private readonly SourceRecording recording;
    private readonly long maxBytes;
    private (EditMethod Method, SourceRecording Recording)? ofMethod;
    private bool isDisposed;

    /// <summary>Creates a session without computing anything.</summary>
    /// <param name="model">The model; not disposed with the session.</param>
    /// <param name="source">The source image.</param>
    /// <param name="recordingType">Type of the recorded activations. The model's own loses nothing; bfloat16 halves the memory of float32.</param>
    /// <param name="maxBytes">Memory limit of the recording, in bytes; see <see cref="IsRecorded"/>.</param>
    /// <param name="selfResolution">Largest <see cref="EditRequest.SelfResolution"/> of the edits.</param>
    /// <param name="selfUnconditional">Whether <see cref="EditRequest.SelfUnconditional"/> is set in some of them.</param>
    public EditSession(
        StableDiffusionModel model, GenerationRequest source, ScalarType recordingType, long maxBytes, int selfResolution = EditRequest.DefaultSelfResolution,
        bool selfUnconditional = false)
    {
        this.model = model;
        this.source = source;
        this.maxBytes = maxBytes;
        recording = new SourceRecording(recordingType, selfResolution, selfUnconditional, RecordingLimit.Of(model.Device).OnDevice);
        RequiredBytes = Required(recordingType);
        IsRecorded = RequiredBytes <= maxBytes;
    }

    /// <summary>Whether the source is recorded: whether <see cref="RequiredBytes"/> are within the limit.</summary>
    public bool IsRecorded { get; }

    /// <summary>Memory of a complete recording in bytes.</summary>
    public long RequiredBytes { get; }

    /// <summary>Memory of the recording in bytes, so far.</summary>
    public long RecordedBytes => recording.Bytes + (ofMethod?.Recording.Bytes ?? 0);

    /// <summary>Runs the source pass: generates the source image and records what edits need. Edits of a source that is not recorded do not need it.</summary>
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
        return EditRun.Pass(plan, [0], IsRecorded ? recording : null, progress, cancellationToken);
    }

    /// <summary>Runs an edit pass, steered by the recording. The result has only the edited images.</summary>
    /// <param name="edit">The edit.</param>
    /// <param name="observation">Additional data to keep.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops the pass before the next step.</param>
    /// <exception cref="InvalidOperationException">The edit needs the recorded source, which has not run.</exception>
    /// <exception cref="InvalidInputException">A word or number of the edit does not fit the source.</exception>
    public EditResult Edit(
        EditRequest edit, Observation? observation = null, IProgress<EditProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (edit.Method.ReadsActivations)
            return EditByMethod(edit, observation, progress, cancellationToken);
        if (NeedsSource(edit, observation))
            throw new InvalidOperationException("Run the source first.");
        InvalidInputException.Require(
            !IsRecorded || edit.SelfResolution <= SelfResolution, nameof(EditRequest.SelfResolution), $"{edit.SelfResolution} is more than the source was recorded with.", $"Use at most {SelfResolution}.");
        InvalidInputException.Require(
            !IsRecorded || !edit.SelfUnconditional || SelfUnconditional, nameof(EditRequest.SelfUnconditional), "The source was recorded without its unconditional row.", "Leave this setting out.");
        using var plan = new EditPlan(model, source, edit, observation);
        var edits = Enumerable.Range(1, edit.Prompts.Count);
        return recording.IsComplete ? EditRun.Pass(plan, [.. edits], recording, progress, cancellationToken)
            : EditRun.Pass(plan, [0, .. edits], recording: null, progress, cancellationToken, hidesSource: true);
    }

    /// <summary>Whether <see cref="RunSource"/> must run before an edit.</summary>
    public bool NeedsSource(EditRequest edit, Observation? observation = null) => !recording.IsComplete && ReadsRecording(edit, observation);

    /// <summary>Whether an edit reads the recorded source. One that reads no attention of its source only follows a known trajectory.</summary>
    public bool ReadsRecording(EditRequest edit, Observation? observation = null) => IsRecorded && !edit.Method.ReadsActivations
        && (source.Inverted is null || EditPlan.ReadsSource(edit, observation ?? Observation.None));

    /// <summary>Largest <see cref="EditRequest.SelfResolution"/> of the edits.</summary>
    internal int SelfResolution => recording.SelfResolution;

    /// <summary>Whether edits may set <see cref="EditRequest.SelfUnconditional"/>.</summary>
    internal bool SelfUnconditional => recording.SelfUnconditional;

    /// <inheritdoc/>
    public void Dispose()
    {
        isDisposed = true;
        recording.Dispose();
        ForgetMethod();
    }

    private EditResult EditByMethod(EditRequest edit, Observation? observation, IProgress<EditProgress>? progress, CancellationToken cancellationToken)
    {
        using var plan = new EditPlan(model, source, edit, observation);
        var edits = Enumerable.Range(1, edit.Prompts.Count);
        if (ofMethod is { } known && known.Method == edit.Method)
            return EditRun.Pass(plan, [.. edits], known.Recording, progress, cancellationToken);
        ForgetMethod();
        // The source's own recording may still come.
        var notYetRecorded = IsRecorded && !recording.IsComplete ? RequiredBytes : 0;
        // Only maps read the source's cross-attention, and nothing reads its queries and keys of self-attention beside the method.
        var fresh = new SourceRecording(
            recording.Dtype, selfResolution: 0, onDevice: Math.Max(0, RecordingLimit.Of(model.Device).OnDevice - notYetRecorded), maxBytes: maxBytes - (IsRecorded ? RequiredBytes : 0), crossSize: plan.MapSize);
        return fresh.DisposeOnFailure(() =>
        {
            var result = EditRun.Pass(plan, [0, .. edits], fresh, progress, cancellationToken, hidesSource: true);
            if (fresh.IsComplete)
                ofMethod = (edit.Method, fresh);
            else
                fresh.Dispose();
            return result;
        });
    }

    private void ForgetMethod()
    {
        ofMethod?.Recording.Dispose();
        ofMethod = null;
    }

    private long Required(ScalarType type)
    {
        using var scheduler = EditPlan.CreateScheduler(model, source);
        var (shape, evaluations) = (model.Shape, scheduler.Timesteps.Count);
        var perLatent = shape.Vae.PixelsPerLatent;
        var (height, width) = (source.Inverted?.SourceTrajectory ?? source.InitialLatents) is { } latents ? ((int)latents.shape[2], (int)latents.shape[3])
            : source.Sampling.Size is { } size ? (size.Height / perLatent, size.Width / perLatent) : (shape.UNet.SampleSize, shape.UNet.SampleSize);
        var isGuided = source.Sampling.Guidance != 1 && !model.Denoiser.TakesGuidance;
        var layers = RecordingSize.Of(shape.UNet, height, width, source.Sampling.Chunks * model.Tokenizer.MaxLength, SelfResolution, SelfUnconditional && isGuided);
        return layers.Bytes(evaluations - (source.Inverted?.Settings.FirstStep ?? 0), SafetensorsTypes.Size(type))
            + ((evaluations + 1L) * shape.Vae.LatentChannels * height * width * sizeof(float));
    }
}
