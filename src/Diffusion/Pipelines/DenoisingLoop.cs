using PromptToPrompt.Diffusion.Attention;
using PromptToPrompt.Diffusion.Schedulers;
using static PromptToPrompt.Diffusion.Native.HeldScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>Where a run stands after a step.</summary>
/// <param name="Step">The step just done, from 0.</param>
/// <param name="Steps">How many there are.</param>
/// <param name="Timestep">Its timestep.</param>
/// <param name="Latents">[pictures, channels, h, w] float32; belongs to the loop and is valid until the next step.</param>
public readonly record struct DenoisingState(int Step, int Steps, long Timestep, Tensor Latents);

/// <summary>The denoising loop. A synchronous iterator: the caller owns progress, previews and cancellation, and stays on one thread.</summary>
public static class DenoisingLoop
{
    /// <summary>Denoises step by step.</summary>
    /// <param name="model">The model.</param>
    /// <param name="scheduler">A fresh scheduler for this run.</param>
    /// <param name="request">What to denoise.</param>
    /// <param name="cancel">Checked before every step.</param>
    /// <exception cref="InvalidInputException">The numbers became infinite or undefined, or the U-Net takes another number of channels.</exception>
    public static IEnumerable<DenoisingState> Run(
        StableDiffusionModel model, Scheduler scheduler, DenoisingRequest request, CancellationToken cancel = default)
    {
        var channels = request.Latents.shape[1] + (request.Beside?.shape[1] ?? 0);
        if (model.Shape.UNet.InChannels != channels)
            throw new InvalidInputException($"The U-Net of {model.Directory} takes {model.Shape.UNet.InChannels} channels, not {channels}. A model for inpainting can only inpaint.");
        // Such a network does in one row what guidance does in two.
        if (model.TakesGuidance)
            request = request with { Guidance = 1, Conditional = request.Conditional with { Guidance = request.Guidance } };
        var batch = new GuidedBatch(request);
        var steps = scheduler.Timesteps.Count;
        var latents = (request.Latents * Held(scheduler.InitialNoiseSigma)).DetachFromDisposeScope();
        using var overflow = new OverflowWatch();
        try
        {
            for (var i = request.FirstStep; i < steps; i++)
            {
                cancel.ThrowIfCancellationRequested();
                var next = Step(model, scheduler, request, batch, i, latents);
                latents.Dispose();
                latents = next;
                overflow.Add(i, latents);
                if (i == steps - 1)
                    overflow.Require();
                yield return new DenoisingState(i, steps, scheduler.Timesteps[i], latents);
            }
        }
        finally
        {
            latents.Dispose();
        }
    }

    private static Tensor Step(StableDiffusionModel model, Scheduler scheduler, DenoisingRequest request, GuidedBatch batch, int index, Tensor latents)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var input = batch.Input(scheduler.ScaleModelInput(latents, index)).to(model.Dtype);
        // A kernel writes the number: copying it to a GPU would wait for everything before.
        var timestep = full([1], Held(scheduler.Timesteps[index]), ScalarType.Int64, model.Device);
        var conditioning = batch.Conditioning(index);
        var output = (request.RowByRow ? cat([.. Enumerable.Range(0, batch.Rows.Count).Select(row => Predict(row, 1))], 0) : Predict(0, batch.Rows.Count)).to(ScalarType.Float32);
        return request.AfterStep(index, batch.Advance(output, index, latents, Advance)).DetachFromDisposeScope();

        Tensor Predict(int first, int count) => model.UNet.Forward(
            input.narrow(0, first, count), timestep, conditioning.Narrow(first, count), request.Attention,
            new DenoisingStep(index, scheduler.Timesteps[index], [.. batch.Rows.Skip(first).Take(count)]));

        Tensor Advance(Tensor guided, Tensor sample)
        {
            request.Predicted?.Invoke(scheduler.PredictSample(guided, index, sample).DetachFromDisposeScope());
            return scheduler.Step(guided, index, sample);
        }
    }
}
