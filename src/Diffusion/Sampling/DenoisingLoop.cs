using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The state of a run after a step.</summary>
/// <param name="Step">Index of the completed step, from 0.</param>
/// <param name="Steps">Total number of steps.</param>
/// <param name="Timestep">Timestep of the completed step.</param>
/// <param name="Latents">[images, channels, h, w] float32; owned by the loop and valid until the next step.</param>
internal readonly record struct DenoisingState(int Step, int Steps, long Timestep, Tensor Latents);

/// <summary>The denoising loop. A synchronous iterator: the caller controls progress, previews and cancellation, on its own thread.</summary>
internal static class DenoisingLoop
{
    /// <summary>Denoises step by step.</summary>
    /// <param name="denoiser">The network.</param>
    /// <param name="scheduler">A fresh scheduler for this run.</param>
    /// <param name="request">The latents, conditioning and settings of the run.</param>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="InvalidInputException">The latents became NaN or infinite, or the U-Net takes another number of channels.</exception>
    public static IEnumerable<DenoisingState> Run(
        Denoiser denoiser, Scheduler scheduler, DenoisingRequest request, CancellationToken cancellationToken = default)
    {
        var channels = request.Latents.shape[1] + (request.ExtraChannels?.shape[1] ?? 0);
        if (denoiser.Config.InChannels != channels)
        {
            throw new InvalidInputException(
                $"The U-Net of {denoiser.Name} takes {denoiser.Config.InChannels} channels, not {channels}. Inpainting models can only inpaint.");
        }

        // Distilled networks take guidance as an input and need only one row.
        if (denoiser.TakesGuidance)
            request = request with { Sampling = request.Sampling with { Guidance = 1 }, SourceGuidance = 1, Conditional = request.Conditional with { Guidance = GuidanceOfImages(request) } };
        using var all = new Evaluations(request, scheduler.Timesteps);
        // Companions are left out when nothing reads them any more.
        using var conditional = request.Companions == 0 ? null : request.Conditional.Narrow(0, request.Prompts.Count - request.Companions);
        using var alone = conditional is null ? null
            : new Evaluations(request with { Prompts = [.. request.Prompts.SkipLast(request.Companions)], Companions = 0, Conditional = conditional }, scheduler.Timesteps);
        var its = all;
        var steps = scheduler.Timesteps.Count;
        var latents = (request.Latents * Scalar(scheduler.InitialNoiseSigma)).DetachFromDisposeScope();
        using var overflow = new OverflowWatch();
        try
        {
            for (var i = request.FirstStep; i < steps; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (alone is not null && i >= request.CompanionSteps && its != alone)
                {
                    its = alone;
                    all.Dispose();
                }

                var next = Step(denoiser, scheduler, its, i, latents);
                latents.Dispose();
                latents = next;
                overflow.Add(i, latents);
                if (i == steps - 1)
                    overflow.Require();
                using var shown = WithoutCompanions(its.Request, latents);
                yield return new DenoisingState(i, steps, scheduler.Timesteps[i], shown);
            }
        }
        finally
        {
            latents.Dispose();
        }
    }

    private static IReadOnlyList<double> GuidanceOfImages(DenoisingRequest request)
    {
        var images = request.Prompts.Count;
        return [.. Enumerable.Range(0, images).Select(i => (i == 0 && request.Trajectory is not null) || i >= images - request.Companions ? request.SourceGuidance : request.Sampling.Guidance)];
    }

    private static Tensor Step(Denoiser denoiser, Scheduler scheduler, Evaluations its, int i, Tensor latents)
    {
        var (request, batch) = (its.Request, its.Batch);
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        latents = latents.narrow(0, 0, request.Prompts.Count);
        var predicted = Predict(denoiser, scheduler.Timesteps[i], its, i, scheduler.ScaleModelInput(latents, i));
        var next = batch.WithoutKnown(latents);
        if (next.shape[0] > 0)
        {
            var guided = batch.Guide(i, predicted);
            request.Predicted?.Invoke(WithoutCompanions(request, scheduler.PredictSample(guided, i, next)).DetachFromDisposeScope());
            next = scheduler.Step(guided, i, next);
        }

        if (request.Trajectory is { } trajectory)
            next = cat([trajectory.narrow(0, i + 1, 1), next], 0);
        var shown = request.AfterStep(i, WithoutCompanions(request, next));
        return (request.Companions == 0 ? shown : cat([shown, next.narrow(0, shown.shape[0], request.Companions)], 0)).DetachFromDisposeScope();
    }

    private static Tensor WithoutCompanions(DenoisingRequest request, Tensor images) => images.narrow(0, 0, images.shape[0] - request.Companions);

    // All rows at once, or one after another to save memory; the constants are those of all rows together.
    private static Tensor Predict(Denoiser denoiser, long timestep, Evaluations its, int i, Tensor latents)
    {
        var (request, batch) = (its.Request, its.Batch);
        var (input, conditioning) = (batch.Input(latents), batch.Conditioning(i));
        return request.RowByRow ? cat([.. batch.Rows.Select(Row)], 0)
            : denoiser.Predict(input, its.Constants, conditioning, request.Attention, new DenoisingStep(i, timestep, batch.Rows));

        Tensor Row(BatchRow row, int index) => denoiser.Predict(
            input.narrow(0, index, 1), timestep, conditioning.Narrow(index, 1), request.Attention, new DenoisingStep(i, timestep, [row]));
    }

    // The evaluations of the network with the same images.
    private sealed class Evaluations : IDisposable
    {
        public Evaluations(DenoisingRequest request, IReadOnlyList<long> timesteps)
        {
            Request = request;
            Batch = new GuidedBatch(request);
            Constants = new UNetConstants(timesteps) { TextChanges = Batch.TextChanges };
        }

        public DenoisingRequest Request { get; }

        public GuidedBatch Batch { get; }

        public UNetConstants Constants { get; }

        public void Dispose()
        {
            Batch.Dispose();
            Constants.Dispose();
        }
    }
}
