using PromptToPrompt.Diffusion.Attention;
using PromptToPrompt.Diffusion.Schedulers;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>Where a run stands after a step.</summary>
/// <param name="Step">The step just done, from 0.</param>
/// <param name="Steps">How many there are.</param>
/// <param name="Timestep">Its timestep.</param>
/// <param name="Latents">[pictures, channels, h, w] float32; belongs to the loop and is valid until the next step.</param>
public readonly record struct DenoisingState(int Step, int Steps, long Timestep, Tensor Latents);

/// <summary>What a run denoises, and how.</summary>
public sealed record DenoisingRequest
{
    /// <summary>Starting latents, [pictures, channels, h, w]; stays the caller's.</summary>
    public required Tensor Latents { get; init; }

    /// <summary>The step to start at; those before it are left out, so the latents are as noisy as that step expects.</summary>
    public int FirstStep { get; init; }

    /// <summary>What the U-Net is given beside the latents, on further channels, [1, channels, h, w]; inpainting models take a mask and a picture so.</summary>
    public Tensor? Beside { get; init; }

    /// <summary>Index of each picture's prompt within the whole run, as attention processors are told.</summary>
    public required IReadOnlyList<int> Prompts { get; init; }

    /// <summary>Text of each picture, [pictures, tokens, width].</summary>
    public required Tensor Conditional { get; init; }

    /// <summary>Text of the unconditional (negative) prompt, [1, tokens, width].</summary>
    public required Tensor Unconditional { get; init; }

    /// <summary>Classifier-free guidance (Ho and Salimans, arXiv 2207.12598); at exactly 1 the unconditional rows are not computed.</summary>
    public double Guidance { get; init; } = 7.5;

    /// <summary>The run's attention.</summary>
    public AttentionProcessor Attention { get; init; } = AttentionProcessor.Plain;

    /// <summary>Called after each scheduler step with the step and the latents; returns the latents to go on with (the same or fresh ones).</summary>
    public Func<int, Tensor, Tensor> AfterStep { get; init; } = (_, latents) => latents;
}

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
        if (model.UNet.Config.InChannels != channels)
            throw new InvalidInputException($"The U-Net of {model.Directory} takes {model.UNet.Config.InChannels} channels, not {channels}; a model made for inpainting works with p2p inpaint alone.");
        var guided = request.Guidance != 1;
        BatchRow[] rows =
        [
            .. guided ? request.Prompts.Select(p => new BatchRow(p, Conditional: false)) : [],
            .. request.Prompts.Select(p => new BatchRow(p, Conditional: true)),
        ];
        var context = Context(request, guided).DetachFromDisposeScope();
        var latents = (request.Latents * scheduler.InitialNoiseSigma).DetachFromDisposeScope();
        try
        {
            for (var i = request.FirstStep; i < scheduler.Timesteps.Count; i++)
            {
                cancel.ThrowIfCancellationRequested();
                var step = new DenoisingStep(i, scheduler.Timesteps[i], rows);
                var next = Step(model, scheduler, request, step, latents, context, guided);
                latents.Dispose();
                latents = next;
                yield return new DenoisingState(i, scheduler.Timesteps.Count, step.Timestep, latents);
            }
        }
        finally
        {
            latents.Dispose();
            context.Dispose();
        }
    }

    private static Tensor Context(DenoisingRequest request, bool guided)
    {
        using var scope = NewDisposeScope();
        if (!guided)
            return request.Conditional.alias().MoveToOuterDisposeScope();
        var unconditional = request.Unconditional.expand(request.Conditional.shape);
        return cat([unconditional, request.Conditional], 0).MoveToOuterDisposeScope();
    }

    private static Tensor Step(
        StableDiffusionModel model, Scheduler scheduler, DenoisingRequest request, DenoisingStep step, Tensor latents, Tensor context, bool guided)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var input = scheduler.ScaleModelInput(latents, step.Index);
        if (request.Beside is { } beside)
            input = cat([input, beside.expand(input.shape[0], -1, -1, -1)], 1);
        var batch = guided ? cat([input, input], 0) : input;
        var timestep = tensor(new[] { step.Timestep }, device: model.Device);
        var output = model.UNet.Forward(batch.to(model.Dtype), timestep, context, request.Attention, step).to(ScalarType.Float32);
        if (guided)
        {
            var halves = output.chunk(2, 0);
            output = halves[0] + (request.Guidance * (halves[1] - halves[0]));
        }

        var next = request.AfterStep(step.Index, scheduler.Step(output, step.Index, latents));
        if (!next.isfinite().all().ToBoolean())
            throw new InvalidInputException($"The numbers overflowed at step {step.Index + 1}; use --dtype float32, a lower --guidance or milder weights.");
        return next.DetachFromDisposeScope();
    }
}
