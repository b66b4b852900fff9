using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt;

/// <summary>
/// An image that can be edited by changing its prompt: one made from noise, an inverted one, or an edit of either. Its first edit records it, which
/// costs one U-Net row a step; each edit then costs two.
/// </summary>
public sealed class EditableImage : IDisposable
{
    private readonly PromptToPromptPipeline pipeline;
    private readonly (Picture Original, Framing Framing)? given;
    private InvertedImage? trajectory;
    private EditSession? session;

    internal EditableImage(PromptToPromptPipeline pipeline, EditResult result, EditSession? session = null, (Picture Original, Framing Framing)? given = null)
    {
        (this.pipeline, Result, this.session, this.given) = (pipeline, result, session, given);
        Image = given is { } photo ? photo.Framing.Restore(result.Pictures[0], photo.Original) : result.Pictures[0];
    }

    internal EditableImage(PromptToPromptPipeline pipeline, InvertedImage inverted, Picture original, Framing framing)
    {
        (this.pipeline, trajectory, given) = (pipeline, inverted, (original, framing));
        using var last = inverted.Source.narrow(0, inverted.Settings.Sampling.Steps, 1);
        Image = framing.Restore(pipeline.Model.Vae.DecodeImages(last)[0], original);
    }

    /// <summary>The image. Of an inverted image, its reconstruction: the autoencoder loses some detail, and edits start from this.</summary>
    public Picture Image { get; }

    /// <summary>The prompt, with the emphasis of its words.</summary>
    public string Prompt => Result is { } result ? result.Caption(0) : trajectory!.Settings.Prompt;

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
    /// <exception cref="Diffusion.InvalidInputException">A word or setting does not fit, or the image was an edit made with another sampler than DDIM.</exception>
    public EditableImage Edit(
        string prompt, EditRequest? edit = null, Observation? observation = null, IProgress<EditProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        edit = (edit ?? new EditRequest()) with { Prompts = [prompt] };
        if (edit.Mask is { } mask && given is { } photo)
            edit = edit with { Mask = Mask.Frame(Mask.Of(mask), photo.Framing) };
        return pipeline.Exclusively(() =>
        {
            session ??= Record(cancellationToken);
            return new EditableImage(pipeline, session.Edit(edit, PromptToPromptPipeline.Traced(observation), progress, cancellationToken), given: given);
        });
    }

    /// <inheritdoc/>
    public void Dispose() => pipeline.Exclusively(() =>
    {
        session?.Dispose();
        trajectory?.Dispose();
        Result?.Dispose();
        return true;
    });

    private EditSession Record(CancellationToken cancellationToken)
    {
        trajectory ??= Result!.AsSource(0);
        var recorded = pipeline.Record(GenerationRequest.Of(trajectory));
        return recorded.DisposeOnFailure(() =>
        {
            recorded.RunSource(cancellationToken: cancellationToken).Dispose();
            return recorded;
        });
    }
}
