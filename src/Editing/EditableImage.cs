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
    private readonly int row;
    private readonly (Image Original, Framing Framing)? given;
    private GenerationRequest? source;
    private InvertedImage? trajectory;
    private EditSession? session;
    private bool isTooLargeToRecord;
    private bool isDisposed;

    /// <summary>An image of a run.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="result">The run; owned by this image.</param>
    /// <param name="row">Which of its images.</param>
    /// <param name="source">The request to follow; null to follow the trajectory of the run.</param>
    /// <param name="given">The given image that the run edits, and its framing.</param>
    internal EditableImage(PromptToPromptPipeline pipeline, EditResult result, int row, GenerationRequest? source, (Image Original, Framing Framing)? given)
    {
        (this.pipeline, Result, this.row, this.source, this.given) = (pipeline, result, row, source, given);
        Image = given is { } photo ? photo.Framing.Restore(result.Images[row], photo.Original) : result.Images[row];
    }

    /// <summary>An inverted image.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="source">The request that follows the inversion; this image owns the inversion.</param>
    /// <param name="original">The image as it was given.</param>
    /// <param name="framing">Its framing.</param>
    internal EditableImage(PromptToPromptPipeline pipeline, GenerationRequest source, Image original, Framing framing)
    {
        (this.pipeline, this.source, trajectory, given) = (pipeline, source, source.Inverted, (original, framing));
        using var last = trajectory!.Source.narrow(0, trajectory.Settings.Sampling.Steps, 1);
        Image = framing.Restore(pipeline.Model.Vae.DecodeImages(last)[0], original);
    }

    /// <summary>The image. Of an inverted image, its reconstruction: the autoencoder loses some detail, and edits start from this.</summary>
    public Image Image { get; }

    /// <summary>The prompt. Emphasized words are written <c>(word:1.3)</c>; weights that an edit gave are not part of it.</summary>
    public string Prompt => Result is { } result ? PromptReading.Write(result.Prompts[result.Rows[row]]) : trajectory!.Settings.Prompt;

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
        if (edit.Mask is { } mask && given is { } photo)
            edit = edit with { Mask = Mask.Frame(Mask.Of(mask), photo.Framing) };
        return pipeline.Exclusively(() =>
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            source ??= GenerationRequest.Of(trajectory = Result!.AsSource(row));
            // An invalid edit is refused before the source is recorded for it.
            if (session is null)
                EditRun.Check(pipeline.Model, source, edit);
            var traced = PromptToPromptPipeline.Traced(observation);
            return Recorded(source, edit.SelfResolution, cancellationToken) is { } recorded
                ? Edited(recorded.Edit(edit, traced, progress, cancellationToken), 0)
                : Edited(EditRun.Execute(pipeline.Model, source, edit, traced, progress, cancellationToken), 1);
        });

        EditableImage Edited(EditResult result, int index) => result.DisposeOnFailure(() => new EditableImage(pipeline, result, index, source: null, given));
    }

    /// <inheritdoc/>
    public void Dispose() => pipeline.Exclusively(() =>
    {
        isDisposed = true;
        session?.Dispose();
        trajectory?.Dispose();
        Result?.Dispose();
        return true;
    });

    // Null where the source is too large to record.
    private EditSession? Recorded(GenerationRequest source, int selfResolution, CancellationToken cancellationToken)
    {
        if (session is not null && session.SelfResolution < selfResolution)
        {
            session.Dispose();
            session = null;
        }

        if (session is not null || isTooLargeToRecord)
            return session;
        var recorded = pipeline.Record(source, Math.Max(selfResolution, EditRequest.DefaultSelfResolution));
        try
        {
            recorded.RunSource(cancellationToken: cancellationToken).Dispose();
            return session = recorded;
        }
        catch (InvalidInputException) when (recorded.IsTooLarge)
        {
            recorded.Dispose();
            isTooLargeToRecord = true;
            return null;
        }
        catch
        {
            recorded.Dispose();
            throw;
        }
    }
}
