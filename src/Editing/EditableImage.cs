using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt;

/// <summary>
/// An image that can be edited by changing its prompt: a generated one, an inverted one, or an edit of either. Its first edit records it (one U-Net row
/// a step along a DDIM trajectory); each edit then computes two rows a step. A source too large to record shares a batch with each of its edits.
/// </summary>
public sealed class EditableImage : IDisposable
{
    private readonly PromptToPromptPipeline pipeline;
    private readonly Framing? framing;
    private GenerationRequest? source;
    private InvertedImage? trajectory;
    private EditSession? session;
    private bool isDisposed;

    /// <summary>An image of a run.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="result">The run of a single image; owned by this one.</param>
    /// <param name="source">The request to follow; null to follow the trajectory of the run.</param>
    /// <param name="given">The given image that the run edits; null for one that was made.</param>
    /// <param name="mask">The mask of the edit, of the given image's shape; null for none.</param>
    internal EditableImage(PromptToPromptPipeline pipeline, EditResult result, GenerationRequest? source, GivenImage? given = null, Image? mask = null)
    {
        (this.pipeline, Result, this.source, framing) = (pipeline, result, source, given?.Framing);
        Output = result.Images[0];
        Image = given?.Draw(result, 0, GivenImage.OpacitiesOf(given.Framing, mask, result.PixelsPerLatent)) ?? Output;
    }

    /// <summary>An inverted image.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="source">The request that follows the inversion; this image owns the inversion.</param>
    /// <param name="given">The image as it was given.</param>
    internal EditableImage(PromptToPromptPipeline pipeline, GenerationRequest source, GivenImage given)
    {
        (this.pipeline, this.source, trajectory, framing) = (pipeline, source, source.Inverted, given.Framing);
        using var last = trajectory!.SourceTrajectory.narrow(0, trajectory.Settings.Sampling.Steps, 1);
        Output = pipeline.Model.Vae.DecodeImages(last)[0];
        Image = given.Original;
    }

    /// <summary>
    /// The image. For an inverted image it is the original; an edit of it equals the original, byte for byte, where it changes nothing.
    /// </summary>
    public Image Image { get; }

    /// <summary>The model's own image, at its size. For an inverted image it is the reconstruction, which has lost some detail; edits start from it.</summary>
    public Image Output { get; }

    /// <summary>The prompt. Emphasized words are written <c>(word:1.3)</c>; weights that an edit gave are not part of it.</summary>
    public string Prompt => Result is { } result ? PromptReading.Write(result.Prompts[result.Rows[0]]) : trajectory!.Settings.Prompt;

    /// <summary>The run behind the image: latents, maps, trace. Null for an inverted image, which <see cref="Inversion"/> describes.</summary>
    public EditResult? Result { get; }

    /// <summary>The inversion of a given image; null for one that was made.</summary>
    public InvertedImage? Inversion => Result is null ? trajectory : null;

    /// <summary>Edits the image: the same image with another prompt.</summary>
    /// <param name="prompt">The new prompt; words may carry weights, <c>(word:1.5)</c>.</param>
    /// <param name="edit">How much of the source the edit keeps, and where it may change it; its prompts are not read. A mask is of the image's size.</param>
    /// <param name="observation">What to keep in <see cref="Result"/>; the trace is always kept.</param>
    /// <param name="progress">Receives the progress after every step of the edit.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <returns>The edited image, which can be edited in turn. It owns all it needs; this image may be disposed before it.</returns>
    /// <exception cref="InvalidInputException">A word or setting does not fit, or the image was an edit made with another scheduler than DDIM.</exception>
    public EditableImage Edit(
        string prompt, EditRequest? edit = null, Observation? observation = null, IProgress<EditProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        edit = (edit ?? new EditRequest()) with { Prompts = [prompt] };
        var mask = edit.Mask;
        if (mask is not null && framing is not null)
            edit = edit with { Mask = Mask.Frame(Mask.Of(mask), framing) };
        return pipeline.Exclusively(() =>
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            source ??= GenerationRequest.Of(trajectory = Result!.AsSource(0));
            // An invalid edit is refused before the source is recorded for it.
            if (session is null)
                EditRun.Check(pipeline.Model, source, edit);
            var traced = PromptToPromptPipeline.Traced(observation);
            var result = Recorded(source, edit, traced, cancellationToken).Edit(edit, traced, progress, cancellationToken);
            var given = framing is null ? null : new GivenImage(Image, framing);
            return result.DisposeOnFailure(() => new EditableImage(pipeline, result, source: null, given, mask));
        });
    }

    /// <summary>
    /// Saves the inversion with the given image, to be loaded by <see cref="PromptToPromptPipeline.LoadInversion"/> with the same model. The file is
    /// in the safetensors format and replaces an older one only once it is complete.
    /// </summary>
    /// <param name="path">Destination path.</param>
    /// <exception cref="InvalidOperationException">The image is not an inverted one: <see cref="Inversion"/> is null.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveInversion(string path) => pipeline.Exclusively(() =>
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        var inverted = Inversion ?? throw new InvalidOperationException("Only an inverted image has an inversion to save.");
        // The image owns the inversion, which disposing the file would free.
        new InversionFile(inverted, Image, framing!).Save(path, pipeline.Model);
        return true;
    });

    /// <inheritdoc/>
    public void Dispose() => pipeline.Exclusively(() =>
    {
        isDisposed = true;
        session?.Dispose();
        trajectory?.Dispose();
        Result?.Dispose();
        return true;
    });

    private EditSession Recorded(GenerationRequest source, EditRequest edit, Observation observation, CancellationToken cancellationToken)
    {
        if (session is { IsRecorded: true } && (session.SelfResolution < edit.SelfResolution || (edit.SelfUnconditional && !session.SelfUnconditional)))
        {
            session.Dispose();
            session = null;
        }

        var opened = session ?? pipeline.Record(source, Math.Max(edit.SelfResolution, EditRequest.DefaultSelfResolution), edit.SelfUnconditional);
        session = null;
        return session = opened.DisposeOnFailure(() =>
        {
            if (opened.NeedsSource(edit, observation))
                opened.RunSource(cancellationToken: cancellationToken).Dispose();
            return opened;
        });
    }
}
