using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// An inversion method with its options: finds noise that the image could have come from, and defines how edits denoise from there.
/// Each method has its own file in this folder. It returns an <see cref="InvertedImage"/>, which edits follow.
/// </summary>
public abstract record InversionMethod
{
    private static readonly IReadOnlyList<InversionMethod> All =
    [
        new NullTextInversion(), new NegativePromptInversion(), new ProximalInversion(), new DirectInversion(), new DdimInversion(),
        new BdiaInversion(), new EditFriendlyInversion(), new VirtualInversion(), new UniInversion(),
    ];

    /// <summary>The names of all methods.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(method => method.Name)];

    /// <summary>The method's name.</summary>
    public abstract string Name { get; }

    /// <summary>Whether the method optimizes with gradients, which needs memory for a backward pass.</summary>
    public virtual bool HasGradient => false;

    /// <summary>The method with a given name, with default options.</summary>
    /// <exception cref="Diffusion.InvalidInputException">No method has this name.</exception>
    public static InversionMethod Named(string name) => All.FirstOrDefault(method => method.Name == name)
        ?? throw new Diffusion.InvalidInputException(
            nameof(InversionSettings.Method), $"\"{name}\" is unknown.", Diffusion.Suggestion.Advice(name, Names));

    /// <summary>Inverts an image.</summary>
    /// <param name="model">The model.</param>
    /// <param name="latents">The image's latents, [1, channels, h, w].</param>
    /// <param name="settings">The inversion settings.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="checkpoint">Called after every optimized step with a function that creates the unfinished inversion; the caller
    /// disposes its result.</param>
    /// <param name="resume">An unfinished inversion of the same image, settings and model to resume.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    internal static InvertedImage Invert(
        StableDiffusionModel model,
        Tensor latents,
        InversionSettings settings,
        IProgress<InversionProgress>? progress = null,
        Action<Func<InvertedImage>>? checkpoint = null,
        InvertedImage? resume = null,
        CancellationToken cancellationToken = default)
    {
        settings.Validate();
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var run = new InversionRun(model, latents, settings, progress, checkpoint, resume, cancellationToken);
        return settings.Method.Invert(run);
    }

    /// <summary>
    /// Replays an inversion with guidance and the empty prompt, without drift correction: [1, channels, h, w]. Null for methods that do not
    /// start with DDIM inversion, and for plain DDIM, whose source is this replay already.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="inverted">The inversion.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    internal static Tensor? ReplayUntuned(
        StableDiffusionModel model, InvertedImage inverted, IProgress<InversionProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (!inverted.Settings.Method.ImprovesOnDdim)
            return null;
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var run = new InversionRun(model, inverted.Latents.narrow(0, 0, 1), inverted.Settings, progress, null, null, cancellationToken);
        var noise = inverted.Latents.narrow(0, inverted.Settings.Sampling.Steps, 1).to(model.Device);
        return DdimInversion.Replay(run, noise, inverted.Settings.Sampling.Guidance, run.Unconditional)[^1].MoveToOuterDisposeScope();
    }

    internal abstract InvertedImage Invert(InversionRun run);

    /// <summary>Whether the method can use models that were distilled to take guidance as an input.</summary>
    internal virtual bool AcceptsGuidanceInput => false;

    /// <summary>Whether the method draws noise, so that the seed matters.</summary>
    internal virtual bool UsesSeed => false;

    /// <summary>The scheduler for edits of an inverted image.</summary>
    internal virtual Scheduler CreateScheduler(SchedulerConfig config, InvertedImage inverted) => new DdimScheduler(config, inverted.Settings.Sampling.Steps);

    /// <summary>Whether the method improves on DDIM inversion, so that a plain guided replay is a useful baseline.</summary>
    internal virtual bool ImprovesOnDdim => true;

    /// <summary>Whether the method uses its own embedding in place of the negative prompt's.</summary>
    internal virtual bool ReplacesUnconditional => false;

    /// <summary>The guidance difference that edits scale; see <see cref="DenoisingRequest.ShapeGuidance"/>.</summary>
    internal virtual Tensor ShapeGuidance(Tensor difference) => difference;

    /// <summary>The index of the first step of edits, for a given number of steps.</summary>
    internal virtual int FirstStep(int steps) => 0;

    /// <summary>Checks that the method's options are in range.</summary>
    internal virtual void Validate(InversionSettings settings)
    {
    }
}
