using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Measures;
using static TorchSharp.torch;

namespace PromptToPrompt.Evaluation.Experiments;

/// <summary>
/// Makes the same edits of drawings in several ways and compares the results. Each drawing is inverted and recorded once for all ways that share an inversion and its prompt.
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
        List<Made> made =
        [
            .. variations.GroupBy(variation => (variation.Inversion, Prompt: variation.SourcePrompt?.Invoke(edit) ?? edit.SourcePrompt, Guidance: variation.Guidance ?? sampling.Guidance))
                .SelectMany(group => Make(edit, latents, new() { Prompt = group.Key.Prompt, Method = group.Key.Inversion, Sampling = sampling with { Guidance = group.Key.Guidance } }, [.. group], cancellationToken)),
        ];
        var reproduced = model.Vae.DecodeImages(latents)[0];
        return
        [
            .. made.Zip(judge.Judge([.. made.Select(each => each.Image)])).OrderBy(each => variations.Index().First(variation => variation.Item == each.First.Variation).Index)
                .Select(each => Outcome.Of(each.First.Variation.Name, edit, reproduced, each.First.Image, each.Second, each.First.Rows)),
        ];
    }

    private List<Made> Make(DrawnEdit edit, Tensor latents, InversionSettings settings, IReadOnlyList<Variation> ways, CancellationToken cancellationToken)
    {
        long ofInversion = 0, ofSource = 0;
        using var inverted = InversionMethod.Invert(model, latents, settings, new Receiver<InversionProgress>(progress => ofInversion = progress.Rows), cancellationToken: cancellationToken);
        using var session = new EditSession(model, GenerationRequest.Of(inverted), model.Dtype, long.MaxValue);
        var made = new List<Made>();
        foreach (var way in ways)
        {
            var request = way.Request(edit);
            if (session.NeedsSource(request))
                session.RunSource(progress: new Receiver<EditProgress>(progress => ofSource += progress.Rows), cancellationToken: cancellationToken).Dispose();
            long ofEdit = 0;
            using var edited = session.Edit(request, progress: new Receiver<EditProgress>(progress => ofEdit += progress.Rows), cancellationToken: cancellationToken);
            // Some methods do not read the recorded source, or run the source with the edit.
            made.Add(new(way, edited.Images[0], ofInversion + (session.ReadsRecording(request) ? ofSource : 0) + ofEdit));
        }

        return made;
    }

    private sealed record Made(Variation Variation, Image Image, long Rows);

    // Progress<T> would report later, on another thread.
    private sealed class Receiver<T>(Action<T> receive) : IProgress<T>
    {
        public void Report(T value) => receive(value);
    }
}

/// <summary>An edited drawing, compared with the drawing as the autoencoder reproduces it, which is the best that an edit can keep.</summary>
/// <param name="Variation">Name of the variation.</param>
/// <param name="Image">The edited image.</param>
/// <param name="Background">PSNR in decibels outside the region that the edit concerns; null if there is no outside.</param>
/// <param name="Structure">Agreement of edges with the source, −1…1.</param>
/// <param name="Shown">Whether the judge sees what the edit asks for; null if it cannot.</param>
/// <param name="Subject">Whether the judge sees the subject of the target.</param>
/// <param name="Rows">Rows of the U-Net for the inversion, the source and this edit; a backward pass counts as two.</param>
internal sealed record Outcome(string Variation, Image Image, double? Background, double Structure, bool? Shown, bool Subject, long Rows)
{
    /// <summary>Measures an edited image.</summary>
    public static Outcome Of(string variation, DrawnEdit edit, Image source, Image edited, Judgement judgement, long rows) => new(
        variation, edited, ImageComparison.PsnrOutside(source, edited, edit.Region), ImageComparison.StructureAgreement(source, edited), edit.Changed is { } slot ? judgement.Agrees(edit.Target, slot) : null, judgement.Agrees(edit.Target, Slot.Subject)!.Value, rows);
}
