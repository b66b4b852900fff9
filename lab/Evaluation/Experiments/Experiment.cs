using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Measures;

namespace PromptToPrompt.Evaluation.Experiments;

/// <summary>
/// Makes the same edits of drawings in several ways and compares the results. Each drawing is inverted once (<see cref="DirectInversion"/>, whose source is exact) and
/// recorded once.
/// </summary>
/// <param name="model">A model of the drawn world.</param>
/// <param name="judge">Judges what an image shows.</param>
/// <param name="variations">The ways.</param>
/// <param name="sampling">Steps and guidance; the seed is also that of the drawings.</param>
internal sealed class Experiment(StableDiffusionModel model, ImageJudge judge, IReadOnlyList<Variation> variations, SamplingSettings sampling)
{
    /// <summary>Makes edits, one drawing after another.</summary>
    /// <param name="count">Number of drawings.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public IEnumerable<(DrawnEdit Edit, IReadOnlyList<Outcome> Outcomes)> Run(int count, CancellationToken cancellationToken) =>
        DrawnEdit.Make(model.ImageSide, count, (int)sampling.Seed).Select(edit => (edit, Make(edit, cancellationToken)));

    private IReadOnlyList<Outcome> Make(DrawnEdit edit, CancellationToken cancellationToken)
    {
        using var latents = model.Vae.EncodeImage(edit.Drawing, model.Device);
        var settings = new InversionSettings { Prompt = edit.SourcePrompt, Method = new DirectInversion(), Sampling = sampling };
        using var inverted = InversionMethod.Invert(model, latents, settings, cancellationToken: cancellationToken);
        using var session = new EditSession(model, GenerationRequest.Of(inverted), model.Dtype, long.MaxValue);
        using var source = session.RunSource(cancellationToken: cancellationToken);
        List<Image> images = [.. variations.Select(variation =>
        {
            using var edited = session.Edit(variation.Request(edit), cancellationToken: cancellationToken);
            return edited.Images[0];
        })];
        return
        [
            .. variations.Zip(images, judge.Judge(images)).Select(made => Outcome.Of(made.First.Name, edit, source.Images[0], made.Second, made.Third)),
        ];
    }
}

/// <summary>An edited drawing, compared with the drawing as the autoencoder reproduces it, which is the best that an edit can keep.</summary>
/// <param name="Variation">Name of the variation.</param>
/// <param name="Image">The edited image.</param>
/// <param name="Background">PSNR in decibels outside the region that the edit concerns; null if there is no outside.</param>
/// <param name="Structure">Agreement of edges with the source, −1…1.</param>
/// <param name="Shown">Whether the judge sees what the edit asks for; null if it cannot.</param>
internal sealed record Outcome(string Variation, Image Image, double? Background, double Structure, bool? Shown)
{
    /// <summary>Measures an edited image.</summary>
    public static Outcome Of(string variation, DrawnEdit edit, Image source, Image edited, Judgement judgement) => new(
        variation, edited, ImageComparison.PsnrOutside(source, edited, edit.Region), ImageComparison.StructureAgreement(source, edited), edit.Changed is { } slot ? judgement.Agrees(edit.Target, slot) : null);
}
