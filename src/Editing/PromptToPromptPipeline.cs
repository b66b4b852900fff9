using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Native.Numerics;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using static TorchSharp.torch;

namespace PromptToPrompt;

/// <summary>How a <see cref="PromptToPromptPipeline"/> loads its model and keeps what edits need.</summary>
public sealed record PipelineOptions
{
    /// <summary>The device: <c>auto</c> (a GPU where one can be used), <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = ComputeDevice.Auto;

    /// <summary>
    /// Type of the weights of the U-Net and the text encoders, and of their computation if the device has arithmetic in it; otherwise they compute in
    /// float32. The autoencoder always uses float32.
    /// </summary>
    public ScalarType Dtype { get; init; } = ScalarType.Float32;

    /// <summary>Variant, LoRAs, learned words, another autoencoder, low memory.</summary>
    public ModelLoadOptions Files { get; init; } = new();

    /// <summary>Type of the recorded activations of a source; null for the compute type (<see cref="StableDiffusionModel.Dtype"/>).</summary>
    public ScalarType? RecordingType { get; init; }

    /// <summary>
    /// Maximum memory of one recorded source, in bytes. Null for the default: 6 GiB on a CPU, at most half of the machine's memory; on a GPU
    /// all that is free but 4 GiB, and half of the machine's memory beyond that.
    /// </summary>
    public long? MaxRecordingBytes { get; init; }
}

/// <summary>
/// Prompt-to-Prompt in one type: loads a model, makes images or inverts given ones, and edits them by changing their prompts.
/// </summary>
/// <remarks>
/// Thread-safe: one run takes place at a time, and calls from other threads wait for it. All calls are synchronous; a server runs them on its own
/// thread, for instance with <see cref="Task.Run(Action)"/>. Images stay editable until they are disposed; dispose them before the pipeline.
/// </remarks>
public sealed class PromptToPromptPipeline : IDisposable
{
    /// <summary>Name of the small model that comes with the library.</summary>
    public const string EmbeddedModel = "storybook";

    private readonly Lock gate = new();

    private PromptToPromptPipeline(StableDiffusionModel model, PipelineOptions options) => (Model, Options) = (model, options);

    /// <summary>The model. Runs that you start on it yourself are not synchronized with the pipeline's.</summary>
    public StableDiffusionModel Model { get; }

    /// <summary>How it was loaded.</summary>
    public PipelineOptions Options { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="model">
    /// A model directory, a single file (<c>.safetensors</c>, <c>.ckpt</c>), <c>OWNER/NAME</c> of a repository in the Hugging Face cache (see
    /// <see cref="PullAsync(string, string?, IProgress{PullProgress}?, CancellationToken)"/>), or the name of a folder in <c>models/</c>.
    /// </param>
    /// <param name="options">Device, type and files.</param>
    /// <exception cref="InvalidInputException">There is no such model, or it cannot be loaded.</exception>
    /// <exception cref="LibTorchLoadException">libtorch cannot be loaded.</exception>
    /// <exception cref="WrongNumericsException">The machine computes wrongly, also without oneDNN.</exception>
    public static PromptToPromptPipeline Load(string model = EmbeddedModel, PipelineOptions? options = null)
    {
        options ??= new PipelineOptions();
        return new(StableDiffusionModel.Load(ModelLocation.Find(model), ComputeDevice.Named(options.Device), options.Dtype, options.Files), options);
    }

    /// <summary>
    /// Downloads a model from the Hugging Face Hub into the cache that the hub's own tools use, where <see cref="Load"/> finds it by its name. Files that are
    /// there already are not downloaded again, and a canceled download resumes.
    /// </summary>
    /// <param name="model"><c>OWNER/NAME</c> or <c>OWNER/NAME@REVISION</c>.</param>
    /// <param name="variant">Variant of the weights, such as <c>fp16</c>; null for the default.</param>
    /// <param name="progress">Receives the progress in bytes.</param>
    /// <param name="cancellationToken">Stops the download.</param>
    /// <returns>The model's directory.</returns>
    /// <exception cref="InvalidInputException">The download failed; the message gives the reason and advice.</exception>
    public static Task<string> PullAsync(string model, string? variant = null, IProgress<PullProgress>? progress = null, CancellationToken cancellationToken = default) =>
        PullAsync(new HubSettings(), model, variant, progress, cancellationToken);

    internal static async Task<string> PullAsync(
        HubSettings settings, string model, string? variant = null, IProgress<PullProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var parts = model.Split(ModelLocation.RevisionMark, 2);
        var request = new PullRequest(HubRepository.Parse(parts[0])) { Revision = parts.ElementAtOrDefault(1) ?? HubRevision.Main, Variant = variant };
        return (await new ModelPull(settings).RunAsync(request, progress, cancellationToken).ConfigureAwait(false)).Path;
    }

    /// <summary>Makes an image from noise.</summary>
    /// <param name="prompt">The prompt; words may be emphasized, <c>(word:1.3)</c>.</param>
    /// <param name="sampling">
    /// How it is sampled. The default scheduler is DDIM, because edits of edits follow its trajectory; for distilled models it is the model's own.
    /// </param>
    /// <param name="observation">What to keep in <see cref="EditableImage.Result"/>; the trace is always kept.</param>
    /// <param name="attention">A processor for all attention layers of this run; null for plain attention. It keeps no maps for <paramref name="observation"/>.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <exception cref="InvalidInputException">A setting does not fit.</exception>
    /// <exception cref="ArgumentException">Both <paramref name="attention"/> and maps are wanted.</exception>
    public EditableImage Generate(
        string prompt, SamplingSettings? sampling = null, Observation? observation = null, AttentionProcessor? attention = null, IProgress<EditProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        sampling ??= new SamplingSettings();
        // A distilled model needs its own few-step scheduler; of the others, only DDIM's trajectory can be followed.
        var scheduler = sampling.Scheduler ?? (Model.Denoiser.TakesGuidance ? Model.SchedulerConfig.DefaultScheduler : SchedulerKind.Ddim);
        var source = new GenerationRequest { Prompt = prompt, Sampling = sampling with { Scheduler = scheduler }, Attention = attention };
        lock (gate)
        {
            var result = EditRun.Execute(Model, source, null, Traced(observation), progress, cancellationToken);
            return result.DisposeOnFailure(() => new EditableImage(this, result, scheduler == SchedulerKind.Ddim || attention is not null ? null : source));
        }
    }

    /// <summary>Inverts a given image, so that it can be edited.</summary>
    /// <param name="image">The image, of any size; edits have its size.</param>
    /// <param name="prompt">What it shows.</param>
    /// <param name="sampling">Steps, chunks, CLIP skip and working size; guidance, its rescale and the negative prompt of the edits.</param>
    /// <param name="method">The method; null for null-text inversion.</param>
    /// <param name="frame">How the image is brought to the model's size.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <exception cref="InvalidInputException">A setting does not fit.</exception>
    public EditableImage Invert(
        Image image, string prompt, SamplingSettings? sampling = null, InversionMethod? method = null, FramingKind frame = FramingKind.Crop,
        IProgress<InversionProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        sampling ??= new SamplingSettings();
        var settings = new InversionSettings { Prompt = prompt, Sampling = InversionSettings.ForInversion(sampling), Method = method ?? new NullTextInversion() };
        var asked = new GenerationRequest { Prompt = prompt, Sampling = sampling };
        lock (gate)
        {
            EditRun.Check(Model, asked, new EditRequest(), settings);
            var framing = Model.Frame(frame, image.Size, sampling.Size);
            using var latents = Model.Vae.EncodeImage(framing.Apply(image), Model.Device);
            var inverted = InversionMethod.Invert(Model, latents, settings, progress, cancellationToken: cancellationToken);
            return inverted.DisposeOnFailure(() =>
            {
                var source = GenerationRequest.Of(inverted);
                source = source with { Sampling = source.Sampling with { Negative = sampling.Negative, GuidanceRescale = sampling.GuidanceRescale } };
                return new EditableImage(this, source, new GivenImage(image, framing));
            });
        }
    }

    /// <summary>Loads an inverted image that <see cref="EditableImage.SaveInversion"/> saved, without computing anything again.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="negative">The negative prompt of the edits.</param>
    /// <exception cref="InvalidInputException">
    /// The file is not an inversion, is damaged, unfinished or of another model; or its method has its own embedding in place of a negative prompt.
    /// </exception>
    public EditableImage LoadInversion(string path, string negative = "")
    {
        lock (gate)
        {
            var file = InversionFile.Load(path, Model);
            return file.DisposeOnFailure(() =>
            {
                var source = GenerationRequest.Of(file.Inverted);
                source = source with { Sampling = source.Sampling with { Negative = negative } };
                EditRun.Check(Model, source, new EditRequest(), file.Inverted.Settings);
                return new EditableImage(this, source, new GivenImage(file.Image, file.Framing));
            });
        }
    }

    /// <summary>Fills a masked part of an image by a prompt: the baseline that edits are compared with.</summary>
    /// <param name="image">The image, of any size.</param>
    /// <param name="mask">A mask of its size or shape, white where the image may change.</param>
    /// <param name="prompt">What the whole image should show.</param>
    /// <param name="sampling">How the new content is sampled.</param>
    /// <param name="strength">Share of the steps that run: 1 fills the mask from noise alone, less keeps some of what was there.</param>
    /// <param name="progress">Receives the progress after every step.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <returns>The image with the mask filled; pixels outside are unchanged.</returns>
    /// <exception cref="InvalidInputException">The mask or a setting does not fit.</exception>
    public Image Inpaint(
        Image image, Image mask, string prompt, SamplingSettings? sampling = null, double strength = 1, IProgress<EditProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        var request = new InpaintRequest { Image = image, Mask = mask, Prompt = prompt, Sampling = sampling ?? new SamplingSettings(), Strength = strength };
        lock (gate)
        {
            using var result = InpaintRun.Execute(Model, request, progress: progress, cancellationToken: cancellationToken);
            return result.Image;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
            Model.Dispose();
    }

    internal EditSession Record(GenerationRequest source, int selfResolution, bool selfUnconditional) =>
        new(Model, source, Options.RecordingType ?? Model.Dtype, Options.MaxRecordingBytes ?? RecordingLimit.Of(Model.Device).Total, selfResolution, selfUnconditional);

    internal T Exclusively<T>(Func<T> run)
    {
        lock (gate)
            return run();
    }

    internal static Observation Traced(Observation? observation) => (observation ?? Observation.None) with { Trace = true };
}
