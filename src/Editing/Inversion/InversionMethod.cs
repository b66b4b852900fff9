using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// A method of inversion with its options: finds the noise an image could have come from, and says how edits denoise from there. Each method is one
/// file of this folder. It returns an <see cref="InvertedImage"/>, which edits follow.
/// </summary>
public abstract record InversionMethod
{
    private static readonly IReadOnlyList<InversionMethod> All =
    [
        new NullTextInversion(), new NegativePromptInversion(), new ProximalInversion(), new DirectInversion(), new DdimInversion(),
        new BdiaInversion(), new EditFriendlyInversion(),
    ];

    /// <summary>The names of all methods.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(method => method.Name)];

    /// <summary>The method's name.</summary>
    public abstract string Name { get; }

    /// <summary>Whether the method optimizes something, which takes memory for a backward pass.</summary>
    public virtual bool HasGradient => false;

    /// <summary>The method of a name, with its default options.</summary>
    /// <exception cref="Diffusion.InvalidInputException">There is no such method.</exception>
    public static InversionMethod Named(string name) => All.FirstOrDefault(method => method.Name == name)
        ?? throw new Diffusion.InvalidInputException(
            nameof(InversionSettings.Method), $"\"{name}\" is unknown.", $"Use {Diffusion.InvalidInputException.AnyOf(Names)}.");

    /// <summary>Inverts a picture.</summary>
    /// <param name="model">The model.</param>
    /// <param name="latents">The picture's latents, [1, channels, h, w].</param>
    /// <param name="settings">What to do.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="checkpoint">Called after every optimised step with a function that makes the unfinished inversion, for saving; what it makes is the caller's.</param>
    /// <param name="resume">An unfinished inversion of the same picture, settings and model, to go on from.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public static InvertedImage Invert(
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
    /// Denoises from where an inversion arrived with guidance and the empty prompt, and nothing against the drift: [1, channels, h, w]. Null
    /// for methods that do not begin with DDIM inversion, and for that itself, whose source it is already.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="inverted">The inversion.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public static Tensor? ReplayUntuned(
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

    /// <summary>The scheduler that edits of an inverted picture run with.</summary>
    internal virtual Scheduler CreateScheduler(SchedulerConfig config, InvertedImage inverted) => new DdimScheduler(config, inverted.Settings.Sampling.Steps);

    /// <summary>Whether the method begins with DDIM inversion and adds something, so that a plain guided replay says what that gains.</summary>
    internal virtual bool ImprovesOnDdim => true;

    /// <summary>Whether it puts an embedding of its own in the place of the negative prompt's.</summary>
    internal virtual bool ReplacesUnconditional => false;

    /// <summary>What edits multiply by the guidance; see <see cref="DenoisingRequest.ShapeGuidance"/>.</summary>
    internal virtual Tensor ShapeGuidance(Tensor difference) => difference;

    /// <summary>The step that edits begin at, in a run of some steps.</summary>
    internal virtual int FirstStep(int steps) => 0;

    /// <summary>Throws unless the method's options lie within their bounds.</summary>
    internal virtual void Validate(SamplingSettings sampling)
    {
    }
}
