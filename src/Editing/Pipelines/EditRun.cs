using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>
/// Runs edits. A run is one pass over the steps, over a batch of prompts: all of them (one batch), only the source (the source pass, which
/// is recorded), or only the edits (an edit pass, which reads the recording).
/// </summary>
internal static class EditRun
{
    /// <summary>Generates the source image and its edits in one batch.</summary>
    /// <param name="model">The model.</param>
    /// <param name="source">The source image.</param>
    /// <param name="edit">Its edits; null to generate only the source.</param>
    /// <param name="observation">Additional data to keep.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops the run before the next step.</param>
    /// <exception cref="Diffusion.InvalidInputException">A word, number or size is invalid.</exception>
    public static EditResult Execute(
        StableDiffusionModel model, GenerationRequest source, EditRequest? edit = null, Observation? observation = null,
        IProgress<EditProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using var plan = new EditPlan(model, source, edit ?? new EditRequest(), observation);
        return Pass(plan, [.. Enumerable.Range(0, plan.Prompts.Count)], recording: null, progress, cancellationToken);
    }

    /// <summary>Checks the words and numbers of a run without running it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="source">The source image.</param>
    /// <param name="edit">Its edits.</param>
    /// <param name="settings">How the image will be inverted; null if there is none to invert, or it is already inverted.</param>
    /// <exception cref="Diffusion.InvalidInputException">A word or number is invalid.</exception>
    public static void Check(StableDiffusionModel model, GenerationRequest source, EditRequest edit, InversionSettings? settings = null)
    {
        if (settings is not null)
        {
            settings.Validate();
            EditWords.RequireFits(source, edit, settings);
        }

        _ = new EditWords(model.Tokenizer, source, edit, settings);
        EditPlan.RequireRows(source, edit);
    }

    // Companions begin as the source does.
    private static Tensor WithCompanions(EditPlan plan, Tensor noise, int companions)
    {
        using var scope = NewDisposeScope();
        return (companions == 0 ? noise.alias() : cat([noise, plan.Noise.narrow(0, 0, 1).expand(companions, -1, -1, -1)], 0)).DetachFromDisposeScope();
    }

    private static Conditioning WithCompanions(EditPlan plan, Conditioning conditional, int companions)
    {
        using var scope = NewDisposeScope();
        return (companions == 0 ? conditional.Share() : conditional.Join(plan.Conditional.Narrow(0, 1).Expand(companions))).DetachFromDisposeScope();
    }

    /// <summary>Runs some of a plan's prompts.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="prompts">Their indices.</param>
    /// <param name="recording">Receives the source or, if it is not among the prompts, supplies it.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <param name="hidesSource">Whether the result leaves out the source, the first of the prompts.</param>
    internal static EditResult Pass(
        EditPlan plan, IReadOnlyList<int> prompts, SourceRecording? recording, IProgress<EditProgress>? progress, CancellationToken cancellationToken,
        bool hidesSource = false)
    {
        using var _ = no_grad();
        using var scheduler = plan.CreateScheduler();
        var result = new EditResult(plan, prompts, scheduler.Timesteps, hidesSource) { Source = recording?.Image };
        try
        {
            var first = prompts[0];
            // Rows computed one after another cannot read each other, so the source's row is recorded for the later rows of the step.
            using var lent = plan.RowByRow && first == 0 && plan.ReadsKnown && prompts.Count > 1 && recording is null
                ? SourceRecording.OfLatestStep(plan.Model.Dtype, plan.Edit.SelfResolution, plan.Edit.SelfUnconditional) : null;
            int[] companions = plan.CompanionSteps > 0 ? [.. prompts.Where(prompt => prompt > 0).Select(prompt => prompt + plan.Edit.Prompts.Count)] : [];
            using var plain = new EditAttentionProcessor([.. plan.OfAttention, .. companions.Select(_ => (EditSchedule?)null)], recording ?? lent, plan.Maps, plan.SelfAttention, keepsTexts: !plan.RowByRow);
            var run = new MethodRun
            {
                Network = plan.Model.Shape.UNet,
                Steps = plan.Sampling.Steps,
                MapSize = plan.MapSize,
                Alignments = plan.Words.Alignments,
                HasSource = first == 0,
                Maps = plan.Maps,
                Tokens = plan.Words.Method,
                Source = recording ?? lent,
            };
            var attention = plan.Edit.Method.Attention(run, plain);
            using var disposable = attention as IDisposable;
            var own = prompts.Any(prompt => prompt != 0) ? plan.Concepts?.Of(prompts) : null;
            using var ofOwn = own?.Conditioning;
            using var noise = plan.Noise.narrow(0, first, prompts.Count);
            using var conditional = plan.Conditional.Narrow(first, prompts.Count);
            using var allNoise = WithCompanions(plan, noise, companions.Length);
            using var allConditional = WithCompanions(plan, conditional, companions.Length);
            for (var i = 0; i <= plan.FirstStep; i++)
            {
                // In skipped steps the source follows its trajectory and the edits wait at their starting point.
                using var scope = NewDisposeScope();
                var source = plan.Trajectory?.narrow(0, i, 1);
                if (first == 0)
                    recording?.AddLatents(source ?? plan.Noise.narrow(0, 0, 1));
                result.Keep(source?.expand(prompts.Count, -1, -1, -1) ?? noise);
                if (i < plan.FirstStep && plan.Blend is not null)
                    result.KeepMask(null);
            }

            var request = new DenoisingRequest
            {
                Latents = allNoise,
                FirstStep = plan.FirstStep,
                Trajectory = first == 0 ? plan.Trajectory : null,
                Combine = plan.Edit.Method.GuidesBySource ? plan.Edit.Method.Combine : null,
                Own = own,
                KnownUnconditional = plan.Edit.Method.ReadsActivations,
                KnownConditional = plan.ReadsKnown,
                ShapeGuidance = plan.Source.Inverted is { } inverted ? inverted.Settings.Method.ShapeGuidance : null,
                Prompts = [.. prompts, .. companions],
                Companions = companions.Length,
                CompanionSteps = plan.CompanionSteps,
                SourceGuidance = plan.Source.Inverted?.Settings.InversionGuidance ?? 1,
                Conditional = allConditional,
                Unconditional = plan.Unconditional,
                Sampling = plan.Sampling,
                Attention = plan.Source.Attention ?? attention,
                RowByRow = plan.RowByRow,
                AfterStep = (step, latents) => Blend(plan, first, recording, result, step, latents),
            };
            var recorded = first == 0 ? recording : null;
            Denoise(plan, result, scheduler, request, recorded is null ? null : AddToRecording, progress, cancellationToken);
            recorded?.Complete(result.Source!);
            return result;

            void AddToRecording(Tensor latents)
            {
                using var source = latents.narrow(0, 0, 1);
                recorded!.AddLatents(source);
            }
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>Denoises: keeps every step in the result and reports it.</summary>
    /// <param name="plan">The plan of the run.</param>
    /// <param name="result">Receives the latents and, at the end, the images.</param>
    /// <param name="scheduler">A fresh scheduler.</param>
    /// <param name="request">What to denoise.</param>
    /// <param name="afterStep">Receives the latents of each step, which are valid during the call; null if unneeded.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops the run before the next step.</param>
    internal static void Denoise(
        EditPlan plan, EditResult result, Scheduler scheduler, DenoisingRequest request, Action<Tensor>? afterStep, IProgress<EditProgress>? progress,
        CancellationToken cancellationToken)
    {
        using var preview = new RunPreview(plan.Model, progress is not null);
        foreach (var state in DenoisingLoop.Run(plan.Model.Denoiser, scheduler, request with { Predicted = preview.Receiver }, cancellationToken))
        {
            result.Keep(state.Latents);
            if (state.Step == state.Steps - 1)
                result.Finish(plan.Model, state.Latents);
            afterStep?.Invoke(state.Latents);
            progress?.Report(new EditProgress(state.Step + 1 - request.FirstStep, state.Steps - request.FirstStep, plan.Rows(request.PromptsAt(state.Step)), preview.Images));
        }
    }

    private static Tensor Blend(EditPlan plan, int first, SourceRecording? recording, EditResult result, int step, Tensor latents)
    {
        var edits = latents.shape[0] - (first == 0 ? 1 : 0);
        if (plan.Blend is not { } blend || edits == 0)
            return latents;
        if (!blend.IsActive(step))
        {
            result.KeepMask(null);
            return latents;
        }

        using var scope = NewDisposeScope();
        var masks = blend.Masks(step, plan.Prompts.Count, latents.shape[2], latents.shape[3], latents.device);
        result.KeepMask(masks);
        // Entry 0 of the recording is the initial latents, so the source after this step is entry step + 1.
        var source = first == 0 ? latents.narrow(0, 0, 1) : recording!.Latents[step + 1];
        var blended = LocalBlend.Blend(latents.narrow(0, latents.shape[0] - edits, edits), source, masks.narrow(0, 1, edits));
        return (first == 0 ? cat([source, blended], 0) : blended).MoveToOuterDisposeScope();
    }
}
