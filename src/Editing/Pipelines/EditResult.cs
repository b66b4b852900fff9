using System.Globalization;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>
/// The images of a run, with the data that the run kept. A result owns everything it shows: the source's inversion, the session and the
/// model may be disposed before it.
/// </summary>
public sealed class EditResult : IDisposable
{
    private readonly SamplingSettings sampling;
    private readonly EditRequest edit;
    private readonly bool isTraced;
    private readonly int hidden;
    private readonly InvertedImage? inverted;
    private readonly Conditioning? unconditional;
    private readonly List<Tensor> latents = [];
    private readonly List<Tensor?> masks = [];
    private Tensor? lastMask;

    // Copies what it needs from the plan, which is disposed after the run.
    internal EditResult(EditPlan plan, IReadOnlyList<int> prompts, IReadOnlyList<long> timesteps, bool hidesSource = false)
    {
        (sampling, edit, isTraced) = (plan.Sampling, plan.Edit, plan.Observation.Trace);
        if (isTraced)
        {
            inverted = plan.Source.Inverted?.Share();
            unconditional = (plan.Source.Inverted?.Unconditional ?? (sampling.Negative.Length > 0 ? plan.Unconditional : null))?.Share();
        }

        Prompts = plan.Prompts;
        Maps = plan.KeptMaps;
        SelfAttention = plan.SelfAttention;
        Scheduler = plan.Scheduler;
        hidden = hidesSource ? 1 : 0;
        Rows = [.. prompts.Skip(hidden)];
        Timesteps = timesteps;
    }

    /// <summary>All prompts of the run, the source's first.</summary>
    public IReadOnlyList<TokenizedPrompt> Prompts { get; }

    /// <summary>The index into <see cref="Prompts"/> for each image.</summary>
    public IReadOnlyList<int> Rows { get; }

    /// <summary>The images.</summary>
    public IReadOnlyList<Image> Images { get; private set; } = [];

    /// <summary>The model's image of the source, with which edits are compared; null until the run is complete, unless the source ran earlier.</summary>
    internal Image? Source { get; set; }

    /// <summary>Cross-attention maps; null unless requested.</summary>
    public AttentionMaps? Maps { get; }

    /// <summary>The source's self-attention; null unless requested.</summary>
    public SelfAttentionMap? SelfAttention { get; }

    /// <summary>The scheduler of the run.</summary>
    public SchedulerKind Scheduler { get; }

    /// <summary>The timesteps of the run.</summary>
    public IReadOnlyList<long> Timesteps { get; }

    /// <summary>
    /// The step, counted from 1, that a network evaluation belongs to: PNDM evaluates the timestep of its second step twice.
    /// </summary>
    /// <param name="evaluation">Index of the evaluation, as in <see cref="Timesteps"/>.</param>
    public int StepOf(int evaluation) => Timesteps.Take(evaluation + 1).Distinct().Count();

    /// <summary>The final latents, [images, channels, h, w] float32.</summary>
    public Tensor Latents { get; private set; } = null!;

    /// <summary>Whether words confine the edits.</summary>
    internal bool BlendsWords => edit.BlendsWords;

    /// <summary>Pixels of an image per position of its latents, along each side.</summary>
    internal int PixelsPerLatent { get; private set; }

    /// <summary>
    /// Writes the trace: latents, images, timesteps, average 16×16 cross-attention and blend masks (255 before the blend starts).
    /// </summary>
    /// <param name="path">Destination path; the file is written atomically.</param>
    /// <param name="metadata">Additional header metadata; null for none.</param>
    /// <exception cref="InvalidOperationException">The run kept no trace.</exception>
    public void SaveTrace(string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        RequireTrace();
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>
        {
            ["latents"] = stack(latents).cpu(),
            ["images"] = stack(Images.Select(p => p.ToTensor())),
            ["timesteps"] = tensor(Timesteps.ToArray(), device: CPU),
        };
        if (Maps is { Height: 16, Width: 16 } && Rows.All(Maps.Has))
            tensors["attention.cross.16"] = stack(Rows.Select(p => Maps.Mean(p).transpose(0, 1).reshape(-1, 16, 16)));
        if (masks.OfType<Tensor>().FirstOrDefault() is { } some)
            tensors["blend.mask"] = stack(masks.Select(m => m is null ? full_like(some, Scalar(255)) : m));
        inverted?.AddTrace(tensors);
        SafetensorsWriter.Write(path, tensors, metadata);
    }

    /// <summary>
    /// An image of this run as a source of further edits: its trajectory from noise is known, so it need not be inverted. It keeps the
    /// negative prompt (or its source's replacement for the empty prompt), the noise of its source's steps, and the emphasis in its prompt.
    /// </summary>
    /// <param name="image">Index into <see cref="Images"/>.</param>
    /// <exception cref="Diffusion.InvalidInputException">The image was not made with DDIM; edits can only follow a DDIM
    /// trajectory.</exception>
    /// <exception cref="InvalidOperationException">The run kept no trace.</exception>
    public InvertedImage AsSource(int image)
    {
        RequireTrace();
        if (Scheduler != SchedulerKind.Ddim)
            throw new Diffusion.InvalidInputException($"This image was made with {Scheduler.Name()}; only images made with ddim can be edited further.");
        if (latents.Count != sampling.Steps + 1)
            throw new Diffusion.InvalidInputException("This image comes from a partial run, so its trajectory is incomplete; invert it to edit it further.");
        var settings = inverted?.Settings ?? new InversionSettings { Method = new DirectInversion(), Prompt = "", Sampling = InversionSettings.ForInversion(sampling) };
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var trajectory = cat([.. latents.Select(state => state.narrow(0, image, 1))], 0);
        // Edits of the image are made as it was; the sizes are kept in memory only.
        settings = settings with
        {
            Prompt = PromptReading.Write(Prompts[Rows[image]]),
            // The source of an edit of an edit was made with the guidance of edits.
            InversionGuidance = Rows[image] != 0 && settings.Method is VirtualInversion ? sampling.Guidance : settings.InversionGuidance,
            Sampling = settings.Sampling with
            {
                Guidance = sampling.Guidance,
                GuidanceRescale = sampling.GuidanceRescale,
                OriginalSize = sampling.OriginalSize,
                Crop = sampling.Crop,
                TargetSize = sampling.TargetSize,
            },
        };
        return new InvertedImage(settings, trajectory.flip(0), trajectory)
        {
            Unconditional = unconditional?.Own(),
            StepNoise = inverted?.StepNoise is { } noise ? InvertedImage.Own(noise) : null,
            FinishedSteps = settings.Sampling.Steps,
            IsEdit = Rows[image] != 0 || inverted is { IsEdit: true },
        };
    }

    /// <summary>An image's prompt in readable form, with the weights of its words and the concepts that are given.</summary>
    /// <param name="image">Index into <see cref="Images"/>.</param>
    public string Caption(int image)
    {
        var text = Prompts[Rows[image]].Text;
        if (Rows[image] == 0)
            return text;
        var weights = WeightedPrompt.Parse(edit.Prompts[Rows[image] - 1]).Weights.Concat(edit.Weights);
        var concepts = edit.Method is LeditsPlusPlus method ? method.Concepts.Select(concept => $"{(concept.IsRemoved ? '−' : '+')} {concept.Text}") : [];
        return string.Join(", ", [text, .. weights.Select(weight => string.Create(CultureInfo.InvariantCulture, $"{weight.Word} ×{weight.Weight:0.##}")), .. concepts]);
    }

    /// <summary>
    /// The mask of the last step, [h, w], 255 where the image may change; null if nothing confined it. The caller disposes it.
    /// </summary>
    /// <param name="image">Index into <see cref="Images"/>.</param>
    public Tensor? LastMask(int image)
    {
        using var scope = NewDisposeScope();
        return lastMask?[Rows[image]].mul(Scalar(byte.MaxValue)).cpu().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        latents.ForEach(tensor => tensor.Dispose());
        masks.ForEach(mask => mask?.Dispose());
        lastMask?.Dispose();
        Latents?.Dispose();
        Maps?.Dispose();
        SelfAttention?.Dispose();
        inverted?.Dispose();
        unconditional?.Dispose();
    }

    private void RequireTrace()
    {
        if (!isTraced)
            throw new InvalidOperationException($"Set {nameof(Observation)}.{nameof(Observation.Trace)} before the run.");
    }

    internal void Keep(Tensor state)
    {
        if (isTraced)
            latents.Add(Shown(state));
    }

    internal void KeepMask(Tensor? mask)
    {
        lastMask?.Dispose();
        lastMask = mask?.squeeze(1).to(ScalarType.Byte).DetachFromDisposeScope();
        if (isTraced)
            masks.Add(lastMask?.alias().DetachFromDisposeScope());
    }

    internal void Finish(StableDiffusionModel model, Tensor state)
    {
        var images = model.Vae.DecodeImages(state);
        Latents = Shown(state);
        Images = [.. images.Skip(hidden)];
        Source ??= images[0];
        PixelsPerLatent = model.Shape.Vae.PixelsPerLatent;
    }

    // A copy without the hidden source.
    private Tensor Shown(Tensor state)
    {
        using var shown = state.narrow(0, hidden, state.shape[0] - hidden);
        return shown.clone().DetachFromDisposeScope();
    }
}
