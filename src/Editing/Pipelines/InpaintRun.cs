using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Compositing;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>
/// Fills a masked part of an image from a prompt. With a text-to-image model, the latents outside the mask are reset after each step to the
/// image's own, noised to that step (Avrahami et al., "Blended Latent Diffusion", arXiv 2206.02779). An inpainting model, recognized by its
/// number of input channels, receives the mask and the rest of the image as extra channels (Rombach et al., arXiv 2112.10752, §4.5).
/// </summary>
internal static class InpaintRun
{
    /// <summary>Inpaints an image.</summary>
    /// <param name="model">A text-to-image or inpainting model.</param>
    /// <param name="request">The inpainting settings.</param>
    /// <param name="observation">Additional data to keep.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops the run before the next step, or row of the mask.</param>
    /// <exception cref="InvalidInputException">The mask, a number or a size is invalid, or the model is of another type.</exception>
    public static InpaintResult Execute(
        StableDiffusionModel model, InpaintRequest request, Observation? observation = null, IProgress<EditProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        request.Validate();
        var mask = Mask.Fit(Mask.Of(request.Mask), request.Image.Size);
        var framing = model.Frame(request.Frame, request.Image.Size, request.Sampling.Size);
        var opacities = !request.KeepOutside ? null
            : request.Feather is { } feather ? MaskOpacity.Of(mask, feather, cancellationToken) : MaskOpacity.Of(mask, framing, model.Shape.Vae.PixelsPerLatent, cancellationToken);
        var framedMask = Mask.Frame(mask, framing);
        var run = Denoise(model, request, framing.Apply(request.Image), framedMask, observation, progress, cancellationToken);
        var picture = opacities is null ? framing.Restore(run.Images[0], request.Image)
            : Composite.Create(request.Image, framing, run.Images[0], OpacityMap.Whole(framing), opacities);
        return new InpaintResult(picture, run);
    }

    private static EditResult Denoise(
        StableDiffusionModel model, InpaintRequest request, Image image, Image mask, Observation? observation, IProgress<EditProgress>? progress,
        CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var plan = new EditPlan(
            model,
            new GenerationRequest { Prompt = request.Prompt, Sampling = request.Sampling with { Size = image.Size }, InitialLatents = request.InitialLatents },
            new EditRequest { Mask = mask },
            observation);
        using var scheduler = plan.CreateScheduler();
        var clean = model.Vae.EncodeImage(image, model.Device);
        var (height, width) = (clean.shape[2], clean.shape[3]);
        if (!plan.Noise.shape.SequenceEqual(clean.shape))
            throw new InvalidInputException(
                nameof(InpaintRequest.InitialLatents), $"They are {plan.Noise.shape[3]}x{plan.Noise.shape[2]}; the framed image needs {width}x{height}.", null);
        var region = plan.Blend!.Masks(0, 1, height, width, clean.device);
        if (!region.any().ReadBoolean())
            throw new InvalidInputException($"The mask is too thin for this model, which works on blocks of {model.Shape.Vae.PixelsPerLatent} pixels; make the white area larger.");
        var first = FirstStep(scheduler.Timesteps, request.Strength);
        var extra = IsInpaintingModel(model) ? cat([region.to(ScalarType.Float32), Visible(model, image, mask)], 1) : null;
        var result = new EditResult(plan, [0], [.. scheduler.Timesteps.Skip(first)]);
        try
        {
            using var attention = new EditAttentionProcessor(plan.Edits, null, plan.Maps);
            // The loop scales initial noise to the scheduler's sigma; noised latents already have that scale.
            using var start = first == 0 ? plan.Noise.alias() : scheduler.AddNoise(clean, plan.Noise, scheduler.Timesteps[first]) / Scalar(scheduler.InitialNoiseSigma);
            result.Keep(start);
            var denoising = new DenoisingRequest
            {
                Latents = start,
                FirstStep = first,
                ExtraChannels = extra,
                Prompts = [0],
                Conditional = plan.Conditional,
                Unconditional = plan.Unconditional,
                Sampling = request.Sampling,
                Attention = attention,
                RowByRow = plan.RowByRow,
                AfterStep = (step, latents) =>
                {
                    result.KeepMask(region);
                    return extra is null ? KeepOutside(scheduler, clean, plan.Noise, region, step, latents) : latents;
                },
            };
            EditRun.Denoise(plan, result, scheduler, denoising, afterStep: null, progress, cancellationToken);
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

    /// <summary>Latents of the image with the masked area gray, as inpainting models were trained.</summary>
    private static Tensor Visible(StableDiffusionModel model, Image image, Image mask)
    {
        using var scope = NewDisposeScope();
        var hidden = mask.ToPixels(model.Device).gt(Scalar(0));
        return model.Vae.Encode(image.ToPixels(model.Device).masked_fill(hidden, Scalar(0))).MoveToOuterDisposeScope();
    }

    private static bool IsInpaintingModel(StableDiffusionModel model)
    {
        var (channels, latents) = (model.Shape.UNet.InChannels, model.Shape.Vae.LatentChannels);
        if (channels == latents)
            return false;
        return channels == (2 * latents) + 1
            ? true
            : throw new InvalidInputException(
                $"The U-Net of {model.Directory} takes {channels} channels. Use a text-to-image model ({latents}) or an inpainting model ({(2 * latents) + 1}).");
    }

    // PNDM evaluates one timestep twice as its warm-up; a run that starts there evaluates it once.
    private static int FirstStep(IReadOnlyList<long> timesteps, double strength)
    {
        var first = timesteps.Count - Math.Max(1, (int)Math.Round(timesteps.Count * strength));
        return first > 0 && first + 1 < timesteps.Count && timesteps[first] == timesteps[first + 1] ? first + 1 : first;
    }
}
