using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Control;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Sessions;

/// <summary>
/// Many edits of one picture. The source is run once and recorded; each further edit is a pass of its own two rows (unconditional and
/// conditional) instead of four.
/// </summary>
public sealed class EditSession : IDisposable
{
    private readonly StableDiffusionModel model;
    private readonly EditRequest source;
    private readonly SourceRecording recording;

    /// <summary>Begins a session; nothing is computed yet.</summary>
    /// <param name="model">The model; stays the caller's.</param>
    /// <param name="source">The source picture and the settings of the session; its targets are ignored.</param>
    /// <param name="keepIn">What the recorded activations are kept in; bfloat16 halves the memory.</param>
    /// <param name="maxBytes">Most memory the recording may take.</param>
    public EditSession(StableDiffusionModel model, EditRequest source, ScalarType keepIn = ScalarType.Float32, long maxBytes = 6L << 30)
    {
        this.model = model;
        this.source = source with { Targets = [] };
        recording = new SourceRecording(keepIn, maxBytes, source.Edit.SelfResolution);
    }

    /// <summary>Memory the recording takes, in bytes.</summary>
    public long RecordedBytes => recording.Bytes;

    /// <summary>The source pass: makes the source picture and records what edits need.</summary>
    public EditResult RunSource(IProgress<EditProgress>? progress = null, CancellationToken cancel = default)
    {
        if (recording.IsComplete)
            throw new InvalidOperationException("The source of this session has been run.");
        using var plan = new EditPlan(model, source);
        return EditRun.Pass(plan, [0], recording, progress, cancel);
    }

    /// <summary>An edit pass: the edits alone, steered by the recording.</summary>
    /// <param name="change">Turns the session's request into the edit's: its targets, edit and blend. Seed, steps, sampler, size, guidance and windows stay.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancel">Stops the pass before the next step.</param>
    public EditResult Edit(Func<EditRequest, EditRequest> change, IProgress<EditProgress>? progress = null, CancellationToken cancel = default)
    {
        if (!recording.IsComplete)
            throw new InvalidOperationException("Run the source first.");
        var edited = change(source) with
        {
            Source = source.Source,
            Steps = source.Steps,
            Seed = source.Seed,
            Sampler = source.Sampler,
            StepsOffset = source.StepsOffset,
            TimestepSpacing = source.TimestepSpacing,
            GuidanceRescale = source.GuidanceRescale,
            Width = source.Width,
            Height = source.Height,
            OriginalSize = source.OriginalSize,
            Crop = source.Crop,
            TargetSize = source.TargetSize,
            Guidance = source.Guidance,
            InitialLatents = source.InitialLatents,
            Inverted = source.Inverted,
            Negative = source.Negative,
            Windows = source.Windows,
            ClipSkip = source.ClipSkip,
            RowByRow = source.RowByRow,
        };
        using var plan = new EditPlan(model, edited);
        return EditRun.Pass(plan, [.. Enumerable.Range(1, edited.Targets.Count)], recording, progress, cancel);
    }

    /// <inheritdoc/>
    public void Dispose() => recording.Dispose();
}
