using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Schedulers;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// A way of finding, for a picture, the noise it could have come from, and of denoising edits from there. Each method is one file of this
/// folder; what it finds is an <see cref="InvertedPicture"/>, which the runs of edits read.
/// </summary>
public abstract class InversionMethod
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

    /// <summary>The method of a name.</summary>
    /// <exception cref="Diffusion.InvalidInputException">There is none; the message lists those there are.</exception>
    public static InversionMethod Named(string name) => All.FirstOrDefault(method => method.Name == name)
        ?? throw new Diffusion.InvalidInputException(nameof(InversionSettings.Method), $"\"{name}\" is unknown.", $"Use {Diffusion.InvalidInputException.AnyOf(Names)}.");

    /// <summary>Inverts a picture.</summary>
    /// <param name="model">The model.</param>
    /// <param name="latents">The picture's latents, [1, channels, h, w].</param>
    /// <param name="settings">What to do.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="checkpoint">Called after every optimised step with a function that makes the unfinished inversion, for saving; what it makes is the caller's.</param>
    /// <param name="resume">An unfinished inversion of the same picture, settings and model, to go on from.</param>
    /// <param name="cancel">Stops before the next step.</param>
    public static InvertedPicture Invert(
        StableDiffusionModel model,
        Tensor latents,
        InversionSettings settings,
        IProgress<InversionProgress>? progress = null,
        Action<Func<InvertedPicture>>? checkpoint = null,
        InvertedPicture? resume = null,
        CancellationToken cancel = default)
    {
        settings.Validate();
        var method = Named(settings.Method);
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var run = new InversionRun(model, latents, settings, progress, checkpoint, resume, cancel);
        return method.Invert(run);
    }

    /// <summary>
    /// Denoises from where an inversion arrived with guidance and the empty prompt, and nothing against the drift: [1, channels, h, w]. Null
    /// for methods that do not begin with DDIM inversion, and for that itself, whose source it is already.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="inverted">The inversion.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancel">Stops before the next step.</param>
    public static Tensor? ReplayUntuned(
        StableDiffusionModel model, InvertedPicture inverted, IProgress<InversionProgress>? progress = null, CancellationToken cancel = default)
    {
        if (!inverted.Method.GainsOverDdim)
            return null;
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var run = new InversionRun(model, inverted.Latents.narrow(0, 0, 1), inverted.Settings, progress, null, null, cancel);
        var noise = inverted.Latents.narrow(0, inverted.Settings.Steps, 1).to(model.Device);
        return DdimInversion.Replay(run, noise, inverted.Settings.Guidance, run.Unconditional)[^1].MoveToOuterDisposeScope();
    }

    internal abstract InvertedPicture Invert(InversionRun run);

    /// <summary>The scheduler that edits of an inverted picture run with.</summary>
    internal virtual Scheduler CreateScheduler(SchedulerConfig config, InvertedPicture inverted) => new DdimScheduler(config, inverted.Settings.Steps);

    /// <summary>Whether the method begins with DDIM inversion and adds something, so that a plain guided replay says what that gains.</summary>
    internal virtual bool GainsOverDdim => true;

    /// <summary>Whether it puts an embedding of its own in the place of the negative prompt's.</summary>
    internal virtual bool ReplacesUnconditional => false;

    /// <summary>What edits multiply by the guidance; see <see cref="DenoisingRequest.ShapeGuidance"/>.</summary>
    internal virtual Tensor ShapeGuidance(InversionSettings settings, Tensor difference) => difference;

    /// <summary>The step that edits begin at.</summary>
    internal virtual int FirstStep(InversionSettings settings) => 0;
}
