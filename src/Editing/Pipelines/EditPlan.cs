using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>Everything about a run that is computed before its first step: tokens, embeddings, edits, noise and regions.</summary>
internal sealed class EditPlan : IDisposable
{
    private readonly Tensor? mask;

    public EditPlan(StableDiffusionModel model, GenerationRequest source, EditRequest edit, Observation? observation = null)
    {
        if (source.Attention is not null && (edit.Prompts.Count > 0 || observation is { Attention: true } or { SelfAttention: true }))
            throw new ArgumentException("A run with its own attention processor has no edits and keeps no maps.", nameof(source));
        try
        {
            Words = new EditWords(model.Tokenizer, source, edit);
            Model = model;
            Source = source;
            Edit = edit;
            Observation = observation ?? Observation.None;
            Scheduler = Sampling.Scheduler ?? model.SchedulerConfig.DefaultScheduler;
            FirstStep = Math.Max(source.Inverted?.Settings.FirstStep ?? 0, edit.Method.FirstStep(Sampling.Steps));
            Require(!(edit.Method.GuidesBySource || Words.Concepts is not null) || !model.Denoiser.TakesGuidance, $"The editing method {edit.Method.Name} replaces guidance, which this model takes as an input. Use another method or model.");
            Trajectory = source.Inverted?.SourceTrajectory.to(model.Device, copy: true).DetachFromDisposeScope();
            Noise = StartingNoise();
            var sizes = Sampling.SizesOf(ImageSize);
            Conditional = TextConditioning.Encode(model, Prompts, sizes, Sampling.ClipSkip).DetachFromDisposeScope();
            Unconditional = edit.Method.GuidesBySource ? Conditional.Narrow(0, 1).DetachFromDisposeScope() : source.Inverted?.Unconditional is { } found ? ToModel(found)
                : TextConditioning.EncodeNegative(model, Words.Negative, sizes, Sampling.ClipSkip).DetachFromDisposeScope();
            mask = edit.Mask is { } image ? LatentMask(image).DetachFromDisposeScope() : null;
            MapSize = MapResolution.Choose(model.Shape.UNet, (int)Noise.shape[2], (int)Noise.shape[3]);
            var (height, width) = MapSize;
            RequireRows(source, edit);
            ReadsAttention = ReadsMaps(edit, Observation);
            Maps = source.Attention is null && (ReadsAttention || Observation.Trace || Words.Concepts is not null) ? new AttentionMaps(height, width) : null;
            SelfAttention = Observation.SelfAttention ? new SelfAttentionMap(height, width) : null;
            Blend = !edit.BlendsWords && mask is null ? null : new LocalBlend(edit, Words.Blend, Words.BlendSubtract, mask, Maps, Sampling.Steps);
            Concepts = Words.Concepts is null ? null : new ConceptRows(this);
        }
        catch
        {
            // A mask or a word that does not fit is found when some tensors exist.
            Dispose();
            throw;
        }
    }

    public StableDiffusionModel Model { get; }

    public GenerationRequest Source { get; }

    public EditRequest Edit { get; }

    public Observation Observation { get; }

    public SamplingSettings Sampling => Source.Sampling;

    public EditWords Words { get; }

    public IReadOnlyList<TokenizedPrompt> Prompts => Words.Prompts;

    public SchedulerKind Scheduler { get; }

    public IReadOnlyList<EditSchedule?> Edits => Words.Edits;

    /// <summary>The edit of each prompt and then of each concept, for the attention processor.</summary>
    public IReadOnlyList<EditSchedule?> OfAttention => [.. Edits, .. (Words.Concepts ?? []).SelectMany(each => each).Select(_ => (EditSchedule?)null)];

    /// <summary>The number of steps in which each edit has a companion; see <see cref="EditMethod.CompanionSteps"/>.</summary>
    public int CompanionSteps => Edit.Method.CompanionSteps(Sampling.Steps);

    /// <summary>Initial noise of every prompt, [prompts, channels, h, w].</summary>
    public Tensor Noise { get; }

    /// <summary>
    /// The source's latents at the start and after each step, for an inverted image; see <see cref="DenoisingRequest.Trajectory"/>.
    /// </summary>
    public Tensor? Trajectory { get; }

    /// <summary>The index of the first step of edits.</summary>
    public int FirstStep { get; }

    public Conditioning Conditional { get; }

    public Conditioning Unconditional { get; }

    /// <summary>Whether the rows of a step are computed one after another.</summary>
    public bool RowByRow => Source.RowByRow || (Model.OnePartAtATime && (Edit.Prompts.Count == 0 || !Edit.Method.TakesAllRows(Sampling.Steps)));

    /// <summary>Whether something reads the attention of a source with a known trajectory.</summary>
    public bool ReadsKnown => ReadsSource(Edit, Observation);

    /// <summary>Size of the layers whose maps are collected, in positions.</summary>
    public (int Height, int Width) MapSize { get; }

    public AttentionMaps? Maps { get; }

    /// <summary><see cref="Maps"/> for the result, which then disposes them; null if only the concepts of the edits read maps.</summary>
    public AttentionMaps? KeptMaps => Words.Concepts is null || ReadsAttention ? Maps : null;

    public SelfAttentionMap? SelfAttention { get; }

    public LocalBlend? Blend { get; }

    /// <summary>Whether the cross-attention of the prompts is read: by a local blend or an observation.</summary>
    public bool ReadsAttention { get; }

    /// <summary>The rows of edits by concepts; null for other methods.</summary>
    public ConceptRows? Concepts { get; }

    /// <summary>Size of the images in pixels.</summary>
    public PixelSize ImageSize => new PixelSize((int)Noise.shape[3], (int)Noise.shape[2]) * Model.Shape.Vae.PixelsPerLatent;

    public Scheduler CreateScheduler() => CreateScheduler(Model, Source);

    /// <summary>Requires that rows which read each other are computed together.</summary>
    /// <exception cref="Diffusion.InvalidInputException">The request computes them one after another.</exception>
    public static void RequireRows(GenerationRequest source, EditRequest edit)
    {
        if (!source.RowByRow || edit.Prompts.Count == 0)
            return;
        Require(
            edit.Method.Words is null, nameof(MasaCtrl.Subject), "The regions of both prompts are needed at once, but the rows of this run are computed one after another, to save memory.",
            "Leave it out, or run without low memory.");
        Require(
            !edit.Method.HasCompanions(source.Sampling.Steps), nameof(InfEdit.CrossPart),
            "The layout branch needs all rows of a step at once, but the rows of this run are computed one after another, to save memory.",
            "Make it at most the part with self-attention, or run without low memory.");
    }

    /// <summary>Whether an edit or its observation reads the attention of a source with a known trajectory.</summary>
    public static bool ReadsSource(EditRequest edit, Observation observation) => edit.Prompts.Count == 0 || observation.SelfAttention || ReadsMaps(edit, observation)
        || (edit.Method.OwnRows is null && (!edit.Method.GuidesBySource || edit.Method.ReadsActivations || observation.Trace));

    private static bool ReadsMaps(EditRequest edit, Observation observation) => edit.BlendsWords || observation.Attention;

    /// <summary>Number of U-Net rows in a step of a pass over some of the prompts.</summary>
    /// <param name="prompts">The prompts, and those of companions if the step has any.</param>
    public int Rows(IReadOnlyList<int> prompts)
    {
        if (Concepts is not null)
            return (prompts.Contains(0) && ReadsKnown ? 1 : 0) + Concepts.Count(prompts);
        var known = Trajectory is not null && !Edit.Method.ReadsActivations && prompts.Contains(0) ? 1 : 0;
        var hasGuidedCompanions = prompts.Any(prompt => prompt > Edit.Prompts.Count) && Source.Inverted?.Settings.InversionGuidance is not (null or 1);
        var isInPairs = !Model.Denoiser.TakesGuidance && (Sampling.Guidance != 1 || Edit.Method.GuidesBySource || hasGuidedCompanions);
        return (ReadsKnown ? known : 0) + ((prompts.Count - known) * (isInPairs ? 2 : 1));
    }

    public void Dispose()
    {
        Noise?.Dispose();
        Conditional?.Dispose();
        Unconditional?.Dispose();
        Trajectory?.Dispose();
        Concepts?.Dispose();
        if (Words is not null && KeptMaps is null)
            Maps?.Dispose();
        mask?.Dispose();
    }

    /// <summary>The scheduler of a source and its edits.</summary>
    public static Scheduler CreateScheduler(StableDiffusionModel model, GenerationRequest source)
    {
        var sampling = source.Sampling;
        var config = sampling.Configure(model.SchedulerConfig);
        return source.Inverted is { } inverted ? inverted.Settings.Method.CreateScheduler(config, inverted)
            : config.CreateScheduler(sampling.Scheduler ?? model.SchedulerConfig.DefaultScheduler, sampling.Steps, sampling.Seed);
    }

    private Tensor StartingNoise()
    {
        using var scope = NewDisposeScope();
        var (model, perLatent) = (Model, Model.Shape.Vae.PixelsPerLatent);
        Tensor source;
        if (Trajectory is not null)
        {
            source = Trajectory.narrow(0, FirstStep, 1);
            Require(source.shape[1] == model.Shape.Vae.LatentChannels, $"The image was inverted with a model of {source.shape[1]} latent channels; this model has {model.Shape.Vae.LatentChannels}.");
        }
        else if (Source.InitialLatents is { } given)
        {
            Require(given.dim() == 4 && given.shape[0] == 1 && given.shape[1] == model.Shape.Vae.LatentChannels,
                $"The initial latents have shape [{string.Join(", ", given.shape)}]; this model needs [1, {model.Shape.Vae.LatentChannels}, h, w].");
            source = given.to(ScalarType.Float32, model.Device);
        }
        else
        {
            source = InitialNoise.FromSeed(model, Sampling.Seed, Sampling.Size?.Height ?? model.ImageSide, Sampling.Size?.Width ?? model.ImageSide);
        }

        var edited = Edit.EditSeed is { } seed ? Mixed(source, InitialNoise.FromSeed(model, seed, (int)source.shape[2] * perLatent, (int)source.shape[3] * perLatent), Edit.EditNoise) : source;
        return cat([source, .. Edit.Prompts.Select(_ => edited)], 0).DetachFromDisposeScope();
    }

    // Of unit variance, like its parts, which are independent.
    private static Tensor Mixed(Tensor source, Tensor own, double share) =>
        share == 1 ? own : source.mul(Scalar(Math.Sqrt(1 - share))).Plus(own.mul(Scalar(Math.Sqrt(share))));

    private Conditioning ToModel(Conditioning found)
    {
        using var scope = NewDisposeScope();
        return found.To(Model.Dtype, Model.Device).Own();
    }

    // A position may change if more than half of its pixels may.
    private Tensor LatentMask(Image image)
    {
        using var scope = NewDisposeScope();
        var latent = Model.Shape.Vae.PixelsPerLatent;
        var fitted = Mask.Fit(Mask.Of(image), new PixelSize((int)Noise.shape[3], (int)Noise.shape[2]) * latent);
        var brightness = fitted.ToTensor().to(ScalarType.Float32).mean([2]).view(1, 1, fitted.Height, fitted.Width);
        return nn.functional.adaptive_avg_pool2d(brightness, [Noise.shape[2], Noise.shape[3]]).gt(Scalar(127.5)).view(Noise.shape[2], Noise.shape[3])
            .to(Model.Device).MoveToOuterDisposeScope();
    }
}
