using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Blending;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Maps;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static PromptToPrompt.Diffusion.Native.HeldScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Sessions;

/// <summary>A request worked out for a model: tokens, embeddings, edits, noise and regions. Everything that is decided before the first step.</summary>
internal sealed class EditPlan : IDisposable
{
    private readonly Tensor? mask;

    public EditPlan(StableDiffusionModel model, EditRequest request)
    {
        Words = new EditWords(model.Tokenizer, request);
        Model = model;
        Request = request;
        Sampler = request.Sampler ?? model.Scheduler.DefaultSampler;
        FirstStep = request.Inverted?.Method.FirstStep(request.Inverted.Settings) ?? 0;
        Known = request.Inverted?.Source.to(model.Device, copy: true).DetachFromDisposeScope();
        Noise = StartingNoise();
        var sizes = new PictureSizes(request.OriginalSize ?? PictureSize, request.Crop.Top, request.Crop.Left, request.TargetSize ?? PictureSize);
        Conditional = TextConditioning.Encode(model, Prompts, sizes, request.ClipSkip).DetachFromDisposeScope();
        Unconditional = request.Inverted?.Unconditional is { } found ? Placed(found)
            : TextConditioning.EncodeNegative(model, Words.Negative, sizes, request.ClipSkip).DetachFromDisposeScope();
        mask = request.Mask is { } picture ? LatentMask(picture).DetachFromDisposeScope() : null;
        var blends = request.Blend is not null || request.BlendSubtract is not null;
        var (height, width) = MapResolution.Choose(model.Shape.UNet, (int)Noise.shape[2], (int)Noise.shape[3]);
        Maps = blends || request.WatchAttention || request.Trace ? new AttentionMaps(height, width) : null;
        SelfAttention = request.WatchSelfAttention ? new SelfAttentionMap(height, width) : null;
        Blend = !blends && mask is null ? null : new LocalBlend(
            new LocalBlendOptions
            {
                Include = Words.Blend,
                Subtract = Words.BlendSubtract,
                Threshold = request.BlendThreshold,
                SubtractThreshold = request.BlendSubtractThreshold,
                Start = request.BlendStart,
                Mask = mask,
            },
            Maps,
            request.Steps);
    }

    public StableDiffusionModel Model { get; }

    public EditRequest Request { get; }

    public EditWords Words { get; }

    public IReadOnlyList<TokenizedPrompt> Prompts => Words.Prompts;

    public SamplerKind Sampler { get; }

    public IReadOnlyList<AttentionEdit?> Edits => Words.Edits;

    /// <summary>Starting noise of every prompt, [prompts, channels, h, w].</summary>
    public Tensor Noise { get; }

    /// <summary>The source's latents at the start and after each step, where a picture was inverted; see <see cref="DenoisingRequest.Known"/>.</summary>
    public Tensor? Known { get; }

    /// <summary>The step that edits begin at.</summary>
    public int FirstStep { get; }

    public Conditioning Conditional { get; }

    public Conditioning Unconditional { get; }

    /// <summary>Whether the rows of a step are computed one after another.</summary>
    public bool RowByRow => Request.RowByRow || Model.OnePartAtATime;

    public AttentionMaps? Maps { get; }

    public SelfAttentionMap? SelfAttention { get; }

    public LocalBlend? Blend { get; }

    private PixelSize PictureSize => new PixelSize((int)Noise.shape[3], (int)Noise.shape[2]) * Model.Shape.Vae.PixelsPerLatent;

    public Scheduler CreateScheduler()
    {
        var config = Model.Scheduler with
        {
            StepsOffset = Request.StepsOffset ?? Model.Scheduler.StepsOffset,
            TimestepSpacing = Request.TimestepSpacing ?? Model.Scheduler.TimestepSpacing,
        };
        return Request.Inverted is { } inverted ? inverted.Method.CreateScheduler(config, inverted) : config.Create(Sampler, Request.Steps, Request.Seed);
    }

    /// <summary>What guidance multiplies; see <see cref="DenoisingRequest.ShapeGuidance"/>.</summary>
    public Tensor ShapeGuidance(Tensor difference)
        => Request.Inverted is { } inverted ? inverted.Method.ShapeGuidance(inverted.Settings, difference) : difference;

    /// <summary>U-Net rows of each step of a pass over some of the prompts.</summary>
    public int Rows(IReadOnlyList<int> prompts)
    {
        var known = Known is not null && prompts.Contains(0) ? 1 : 0;
        return known + ((prompts.Count - known) * (Request.Guidance == 1 || Model.TakesGuidance ? 1 : 2));
    }

    public void Dispose()
    {
        Noise.Dispose();
        Conditional.Dispose();
        Unconditional.Dispose();
        Known?.Dispose();
        mask?.Dispose();
    }

    private Tensor StartingNoise()
    {
        using var scope = NewDisposeScope();
        var model = Model;
        var side = model.PictureSide;
        var (height, width) = (Request.Height > 0 ? Request.Height : side, Request.Width > 0 ? Request.Width : side);
        Tensor source;
        if (Known is not null)
        {
            source = Known.narrow(0, FirstStep, 1);
            Require(source.shape[1] == model.Shape.Vae.LatentChannels, $"The picture was inverted with a model of {source.shape[1]} latent channels; this one has {model.Shape.Vae.LatentChannels}.");
        }
        else if (Request.InitialLatents is { } given)
        {
            Require(given.dim() == 4 && given.shape[0] == 1 && given.shape[1] == model.Shape.Vae.LatentChannels,
                $"The initial latents have shape [{string.Join(", ", given.shape)}]; this model needs [1, {model.Shape.Vae.LatentChannels}, h, w].");
            source = given.to(ScalarType.Float32, model.Device);
            (height, width) = ((int)given.shape[2] * model.Shape.Vae.PixelsPerLatent, (int)given.shape[3] * model.Shape.Vae.PixelsPerLatent);
        }
        else
        {
            source = InitialNoise.FromSeed(model, Request.Seed, height, width);
        }

        var edited = Request.EditSeed is { } seed ? InitialNoise.FromSeed(model, seed, height, width) : source;
        return cat([source, .. Request.Targets.Select(_ => edited)], 0).DetachFromDisposeScope();
    }

    private Conditioning Placed(Conditioning found)
    {
        using var scope = NewDisposeScope();
        return found.To(Model.Dtype, Model.Device).Own();
    }

    // A position may change when more than half of its pixels may.
    private Tensor LatentMask(Picture picture)
    {
        using var scope = NewDisposeScope();
        var latent = Model.Shape.Vae.PixelsPerLatent;
        var fitted = Mask.Fit(Mask.Of(picture), new PixelSize((int)Noise.shape[3], (int)Noise.shape[2]) * latent);
        var brightness = fitted.ToTensor().to(ScalarType.Float32).mean([2]).view(1, 1, fitted.Height, fitted.Width);
        return nn.functional.adaptive_avg_pool2d(brightness, [Noise.shape[2], Noise.shape[3]]).gt(Held(127.5)).view(Noise.shape[2], Noise.shape[3])
            .to(Model.Device).MoveToOuterDisposeScope();
    }
}
