using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>
/// Fills a part of a picture by a prompt. With a text-to-image model, everything outside the mask is set after each step to the picture's own
/// latents with that step's noise (Avrahami et al., "Blended Latent Diffusion", arXiv 2206.02779). A model made for inpainting, which its
/// number of input channels tells, is given the mask and the rest of the picture instead (Rombach et al., arXiv 2112.10752, §4.5).
/// </summary>
public static class InpaintRun
{
    /// <summary>Inpaints a picture.</summary>
    /// <param name="model">The model, of either form.</param>
    /// <param name="request">What to make.</param>
    /// <param name="observation">What else to keep.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops the run before the next step.</param>
    /// <exception cref="InvalidInputException">The mask, a number or a size does not fit, or the model is of a third form.</exception>
    public static InpaintResult Execute(
        StableDiffusionModel model, InpaintRequest request, Observation? observation = null, IProgress<EditProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        request.Validate();
        var mask = Mask.Fit(Mask.Of(request.Mask), request.Picture.Size);
        var shares = request.KeepOutside ? InpaintMask.Shares(mask, request.Feather) : null;
        var framing = model.Frame(request.Frame, request.Picture.Size, request.Sampling.Size);
        var framedMask = Mask.Frame(mask, framing);
        var run = Denoise(model, request, framing.Apply(request.Picture), framedMask, observation, progress, cancellationToken);
        var restored = framing.Restore(run.Pictures[0], request.Picture);
        return new InpaintResult(shares is null ? restored : InpaintMask.Composite(request.Picture, restored, shares), run);
    }

    private static EditResult Denoise(
        StableDiffusionModel model, InpaintRequest request, Picture picture, Picture mask, Observation? observation, IProgress<EditProgress>? progress,
        CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var plan = new EditPlan(
            model,
            new GenerationRequest { Prompt = request.Prompt, Sampling = request.Sampling with { Size = picture.Size }, InitialLatents = request.InitialLatents },
            new EditRequest { Mask = mask },
            observation);
        using var scheduler = plan.CreateScheduler();
        var clean = model.Vae.EncodeImage(picture, model.Device);
        var (height, width) = (clean.shape[2], clean.shape[3]);
        if (!plan.Noise.shape.SequenceEqual(clean.shape))
            throw new InvalidInputException(
                nameof(InpaintRequest.InitialLatents), $"They are {plan.Noise.shape[3]}x{plan.Noise.shape[2]}; the framed image needs {width}x{height}.", null);
        var region = plan.Blend!.Masks(0, 1, height, width, clean.device);
        if (!region.any().ReadBoolean())
            throw new InvalidInputException($"The mask is too thin for this model, which works on blocks of {model.Shape.Vae.PixelsPerLatent} pixels; paint more of it white.");
        var first = FirstStep(scheduler.Timesteps, request.Strength);
        var extra = IsInpaintingModel(model) ? cat([region.to(ScalarType.Float32), Visible(model, picture, mask)], 1) : null;
        var result = new EditResult(plan, [0], [.. scheduler.Timesteps.Skip(first)]);
        try
        {
            using var attention = new EditAttentionProcessor(plan.Edits, null, plan.Maps);
            // The loop gives starting noise the scheduler's scale, which noised latents have already.
            using var start = first == 0 ? plan.Noise.alias() : scheduler.AddNoise(clean, plan.Noise, scheduler.Timesteps[first]) / Scalar(scheduler.InitialNoiseSigma);
            result.Keep(start);
            using var preview = new RunPreview(model, progress is not null);
            var denoising = new DenoisingRequest
            {
                Predicted = preview.Receiver,
                Latents = start,
                FirstStep = first,
                ExtraChannels = extra,
                Prompts = [0],
                Conditional = plan.Conditional,
                Unconditional = plan.Unconditional,
                Guidance = request.Sampling.Guidance,
                GuidanceRescale = request.Sampling.GuidanceRescale,
                Attention = attention,
                RowByRow = plan.RowByRow,
                AfterStep = (step, latents) =>
                {
                    result.KeepMask(region);
                    return extra is null ? KeepOutside(scheduler, clean, plan.Noise, region, step, latents) : latents;
                },
            };
            foreach (var state in DenoisingLoop.Run(model.Denoiser, scheduler, denoising, cancellationToken))
            {
                result.Keep(state.Latents);
                if (state.Step == state.Steps - 1)
                    result.Finish(model, state.Latents);
                progress?.Report(new EditProgress(state.Step + 1 - first, state.Steps - first, request.Sampling.Guidance == 1 ? 1 : 2, preview.Pictures));
            }

            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    private static Tensor KeepOutside(Scheduler scheduler, Tensor clean, Tensor noise, Tensor region, int step, Tensor latents)
    {
        using var scope = NewDisposeScope();
        var isLast = step == scheduler.Timesteps.Count - 1;
        var source = isLast ? clean : scheduler.AddNoise(clean, noise, scheduler.Timesteps[step + 1]);
        return LocalBlend.Blend(latents, source, region).MoveToOuterDisposeScope();
    }

    /// <summary>Latents of the picture with grey where the mask is, as inpainting models were trained.</summary>
    private static Tensor Visible(StableDiffusionModel model, Picture picture, Picture mask)
    {
        using var scope = NewDisposeScope();
        var hidden = mask.ToPixels(model.Device).gt(Scalar(0));
        return model.Vae.Encode(picture.ToPixels(model.Device).masked_fill(hidden, Scalar(0))).MoveToOuterDisposeScope();
    }

    private static bool IsInpaintingModel(StableDiffusionModel model)
    {
        var (channels, latents) = (model.Shape.UNet.InChannels, model.Shape.Vae.LatentChannels);
        if (channels == latents)
            return false;
        return channels == (2 * latents) + 1
            ? true
            : throw new InvalidInputException(
                $"The U-Net of {model.Directory} takes {channels} channels; give a text-to-image model ({latents}) or one made for inpainting ({(2 * latents) + 1}).");
    }

    // A timestep that PNDM evaluates twice for its start is evaluated once in a run that begins there.
    private static int FirstStep(IReadOnlyList<long> timesteps, double strength)
    {
        var first = timesteps.Count - Math.Max(1, (int)Math.Round(timesteps.Count * strength));
        return first > 0 && first + 1 < timesteps.Count && timesteps[first] == timesteps[first + 1] ? first + 1 : first;
    }
}
