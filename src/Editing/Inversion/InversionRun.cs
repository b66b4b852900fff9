using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Diffusion.UNet.Gradient;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>The state of one inversion: the image, its text conditioning, and the network with a row counter.</summary>
internal sealed class InversionRun : IDisposable
{
    private readonly IProgress<InversionProgress>? progress;
    private readonly Action<Func<InvertedImage>>? checkpoint;
    private readonly CancellationToken cancellationToken;
    private long rows;

    public InversionRun(
        StableDiffusionModel model, Tensor latents, InversionSettings settings, IProgress<InversionProgress>? progress,
        Action<Func<InvertedImage>>? checkpoint, InvertedImage? resume, CancellationToken cancellationToken)
    {
        if (latents.dim() != 4 || latents.shape[0] != 1 || latents.shape[1] != model.Shape.Vae.LatentChannels)
            throw new InvalidInputException($"The image's latents have shape [{string.Join(", ", latents.shape)}]; this model needs [1, {model.Shape.Vae.LatentChannels}, h, w].");
        TextToImageModel.Require(model, $"invert images by {settings.Method.Name}", settings.Method.AcceptsGuidanceInput, $", or the method {new VirtualInversion().Name}");
        Model = model;
        Settings = settings;
        ImageLatents = latents.to(ScalarType.Float32, model.Device);
        Scheduler = new DdimScheduler(Config, settings.Sampling.Steps);
        var sizes = SizeConditioning.Of(new PixelSize((int)latents.shape[3], (int)latents.shape[2]) * model.Shape.Vae.PixelsPerLatent);
        Conditional = TextConditioning.Encode(model, [PromptReading.Read(model.Tokenizer, settings.Prompt, settings.Sampling.Chunks)], sizes, settings.Sampling.ClipSkip);
        Unconditional = TextConditioning.EncodeNegative(model, model.Tokenizer.TokenizeChunks("", settings.Sampling.Chunks), sizes, settings.Sampling.ClipSkip);
        Resume = resume;
        this.progress = progress;
        this.checkpoint = checkpoint;
        this.cancellationToken = cancellationToken;
    }

    public StableDiffusionModel Model { get; }

    public InversionSettings Settings { get; }

    public int Steps => Settings.Sampling.Steps;

    public SchedulerConfig Config => Settings.Sampling.Configure(Model.SchedulerConfig);

    public DdimScheduler Scheduler { get; }

    /// <summary>The image's latents z_0, [1, channels, h, w].</summary>
    public Tensor ImageLatents { get; }

    /// <summary>Conditioning of the prompt, one row.</summary>
    public Conditioning Conditional { get; }

    /// <summary>Conditioning of the empty prompt, one row.</summary>
    public Conditioning Unconditional { get; }

    /// <summary>The unfinished inversion to resume; null to start from the beginning.</summary>
    public InvertedImage? Resume { get; }

    /// <summary>The network's output for latents at a DDIM step and one conditioning.</summary>
    public Tensor Predict(Tensor latents, int step, Conditioning text) => PredictAt(latents, Scheduler.Timesteps[step], text);

    /// <summary>The guided prediction (classifier-free guidance) at a DDIM step; a guidance of exactly 0 or 1 computes only one row.</summary>
    public Tensor Predict(Tensor latents, int step, double guidance, Conditioning? unconditional = null) =>
        PredictAt(latents, Scheduler.Timesteps[step], guidance, unconditional);

    /// <summary>The network's output at a timestep that need not be of a step.</summary>
    public Tensor PredictAt(Tensor latents, long timestep, Conditioning text)
    {
        rows++;
        using var scope = NewDisposeScope();
        return Model.Denoiser.Predict(latents, timestep, text.To(Model.Dtype, Model.Device), AttentionProcessor.Plain, DenoisingStep.None).MoveToOuterDisposeScope();
    }

    /// <summary>The guided prediction at a timestep that need not be of a step.</summary>
    public Tensor PredictAt(Tensor latents, long timestep, double guidance, Conditioning? unconditional = null)
    {
        using var scope = NewDisposeScope();
        if (Model.Denoiser.TakesGuidance)
            return PredictAt(latents, timestep, Conditional with { Guidance = [guidance] }).MoveToOuterDisposeScope();
        if (guidance == 0)
            return PredictAt(latents, timestep, unconditional ?? Unconditional).MoveToOuterDisposeScope();
        var conditional = PredictAt(latents, timestep, Conditional);
        if (guidance == 1)
            return conditional.MoveToOuterDisposeScope();
        var free = PredictAt(latents, timestep, unconditional ?? Unconditional);
        return Guidance.Combine(free, conditional, guidance).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The network at some latents with the empty prompt's added conditioning, differentiable with respect to the text; one row.
    /// </summary>
    public DifferentiableUNet Differentiable(Tensor latents, int step, bool? recompute)
    {
        using var timestep = full([1], Scalar(Scheduler.Timesteps[step]), ScalarType.Int64, Model.Device);
        using var input = latents.to(Model.Dtype, copy: true);
        return new DifferentiableUNet(Model.UNet, input, timestep, Unconditional.Vector, recompute: recompute ?? (Model.OnePartAtATime ? true : null));
    }

    /// <summary>Counts one forward row and its backward pass, which counts as two rows.</summary>
    public void CountIteration() => rows += 3;

    public void Report(string stage, int step, double? loss = null, int? steps = null)
    {
        progress?.Report(new(stage, step, steps ?? Steps, rows, loss));
        cancellationToken.ThrowIfCancellationRequested();
    }

    public void Checkpoint(Func<InvertedImage> unfinished) => checkpoint?.Invoke(unfinished);

    public void RequireFinite(Tensor latents, string where, string remedy = "more steps or a lower guidance")
    {
        if (!FiniteNumbers.AreAll(latents))
            throw new InvalidInputException($"Values became NaN or infinite {where}. Use float32, {remedy}.");
    }

    public void Dispose() => Scheduler.Dispose();
}
