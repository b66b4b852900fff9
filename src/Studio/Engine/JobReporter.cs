using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.TextualInversion;

namespace PromptToPrompt.Studio.Engine;

/// <summary>Turns the progress of a run into job states with occasional previews.</summary>
internal sealed class JobReporter(Job job, string stage, TimeProvider clock) : IProgress<EditProgress>, IProgress<InversionProgress>
{
    // Previews may take at most a quarter of the time, and at most four a second are useful.
    private const int CostFactor = 3;
    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(250);

    private readonly List<double> losses = [];
    private PreviewCanvas? canvas;
    private long? nextPreview;

    /// <summary>Shows previews in a picture; null to show them alone.</summary>
    public JobReporter In(PreviewCanvas? picture)
    {
        canvas = picture;
        return this;
    }

    /// <summary>Says something about the run before it begins.</summary>
    public void Say(string note) => job.Update(now => now with { Stage = stage, Note = note });

    /// <inheritdoc/>
    public void Report(EditProgress value)
    {
        var preview = Preview(value);
        job.Update(now => now with { Stage = stage, Step = value.Step, Steps = value.Steps, Preview = now.Preview + (preview is null ? 0 : 1) }, preview);
    }

    /// <inheritdoc/>
    public void Report(InversionProgress value)
    {
        if (value.Loss is { } loss)
            losses.Add(loss);
        double[]? soFar = losses.Count > 0 ? [.. losses] : null;
        job.Update(now => now with { Stage = value.Stage, Step = value.Step, Steps = value.Steps, Losses = soFar });
    }

    /// <summary>Reports a step of learning a word.</summary>
    public void Report(ConceptProgress value) => job.Update(now => now with { Stage = stage, Step = value.Step, Steps = value.Steps });

    private byte[]? Preview(EditProgress value)
    {
        var started = clock.GetTimestamp();
        if (value.Preview is not { } decode || value.Step == value.Steps || started < nextPreview)
            return null;
        var pictures = decode();
        if (pictures.Count == 0)
            return null;
        var png = (canvas?.Show(pictures[^1]) ?? pictures[^1]).ToPng();
        var pause = Math.Max(clock.GetElapsedTime(started).TotalSeconds * CostFactor, MinInterval.TotalSeconds);
        nextPreview = clock.GetTimestamp() + (long)(pause * clock.TimestampFrequency);
        return png;
    }
}
