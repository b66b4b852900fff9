using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Evaluation.Quality;
using static TorchSharp.torch;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>Inverts, reconstructs and edits images with several methods, and measures the results.</summary>
/// <param name="model">The model.</param>
/// <param name="judge">Judges what an edit shows.</param>
/// <param name="clock">Measures the time.</param>
internal sealed class InversionComparison(StableDiffusionModel model, ImageJudge judge, TimeProvider clock)
{
    private static readonly EditRequest WithoutControl = new() { CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };

    /// <summary>Tries all contenders on one image.</summary>
    /// <param name="sample">The image.</param>
    /// <param name="contenders">The contenders.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public IEnumerable<InversionTrial> Run(SampleImage sample, IEnumerable<InversionContender> contenders, CancellationToken cancellationToken = default)
    {
        using var latents = model.Vae.EncodeImage(sample.Image, model.Device);
        var ceiling = model.Vae.DecodeImages(latents)[0];
        foreach (var contender in contenders)
            yield return Run(sample, latents, ceiling, contender, cancellationToken);
    }

    private InversionTrial Run(SampleImage sample, Tensor latents, Image ceiling, InversionContender contender, CancellationToken cancellationToken)
    {
        var settings = contender.Settings with { Prompt = sample.Prompt };
        var (inverted, inversion) = Timed(rows => InversionMethod.Invert(model, latents, settings, rows, cancellationToken: cancellationToken));
        using var found = inverted;
        using var session = new EditSession(model, GenerationRequest.Of(inverted), ScalarType.Float32, long.MaxValue);
        var (source, sourceCost) = Timed(rows => Only(session.RunSource(progress: rows, cancellationToken: cancellationToken)));
        var (retraced, retracedCost) = Timed(rows => Edit(sample.Prompt, WithoutControl, rows));
        var target = contender.IsEdited ? sample.Edit?.Pair.TargetPrompt : null;
        var edited = target is null ? null : Edit(target, new EditRequest());
        var free = target is null ? null : Edit(target, WithoutControl);
        return new InversionTrial(
            sample,
            contender,
            Fidelity.Of(sample.Image, ceiling),
            Fidelity.Of(sample.Image, source),
            Fidelity.Of(sample.Image, retraced),
            edited is null ? null : Measure(sample.Edit!, ceiling, edited),
            free is null ? null : Measure(sample.Edit!, ceiling, free),
            inversion,
            new(sourceCost.Seconds + retracedCost.Seconds, sourceCost.Rows + retracedCost.Rows),
            new TrialImages(ceiling, source, retraced, edited, free));

        Image Edit(string prompt, EditRequest edit, RowCount? rows = null)
            => Only(session.Edit(edit with { Prompts = [prompt] }, progress: rows, cancellationToken: cancellationToken));
    }

    private TrialEdit Measure(KnownEdit edit, Image ceiling, Image edited) => new(
        ImageComparison.DifferenceOutside(ceiling, edited, edit.Region),
        KindSummary.Changed(edit.Pair.Kind) is { } slot ? judge.Judge(edited).Agrees(edit.Pair.Target, slot) : null);

    private (T Result, TrialCost Cost) Timed<T>(Func<RowCount, T> work)
    {
        var rows = new RowCount();
        var started = clock.GetTimestamp();
        var result = work(rows);
        return (result, new TrialCost(clock.GetElapsedTime(started).TotalSeconds, rows.Rows));
    }

    private static Image Only(EditResult result)
    {
        using var _ = result;
        return result.Images[0];
    }

    private sealed class RowCount : IProgress<InversionProgress>, IProgress<EditProgress>
    {
        public long Rows { get; private set; }

        public void Report(InversionProgress value) => Rows = value.Rows;

        public void Report(EditProgress value) => Rows += value.Rows;
    }
}
