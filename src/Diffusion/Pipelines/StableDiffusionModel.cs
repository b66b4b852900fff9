using PromptToPrompt.Diffusion.Autoencoder;
using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Diffusion.TextEncoders;
using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>A Stable Diffusion model in memory: tokenizer, text encoder, U-Net, autoencoder and the scheduler's config. Never changed by a run.</summary>
public sealed class StableDiffusionModel : IDisposable
{
    private readonly IReadOnlyList<IDisposable> owned;

    private StableDiffusionModel(
        string directory, ClipTokenizer tokenizer, ClipTextModel textEncoder, UNet2DConditionModel unet, AutoencoderKL vae,
        SchedulerConfig scheduler, Device device, ScalarType dtype, IReadOnlyList<IDisposable> owned, string fingerprint)
    {
        Directory = directory;
        Fingerprint = fingerprint;
        Tokenizer = tokenizer;
        TextEncoder = textEncoder;
        UNet = unet;
        Vae = vae;
        Scheduler = scheduler;
        Device = device;
        Dtype = dtype;
        this.owned = owned;
    }

    /// <summary>Where the model was loaded from.</summary>
    public string Directory { get; }

    /// <summary>Tells this model from others: a hash of its configs and of samples of its weights.</summary>
    public string Fingerprint { get; }

    /// <summary>Splits prompts into tokens.</summary>
    public ClipTokenizer Tokenizer { get; }

    /// <summary>Encodes tokens.</summary>
    public ClipTextModel TextEncoder { get; }

    /// <summary>Predicts noise.</summary>
    public UNet2DConditionModel UNet { get; }

    /// <summary>Converts between pictures and latents.</summary>
    public AutoencoderKL Vae { get; }

    /// <summary>The noise schedule the model was trained with.</summary>
    public SchedulerConfig Scheduler { get; }

    /// <summary>Side in pixels of the pictures it was trained on.</summary>
    public int PictureSide => UNet.Config.SampleSize * Vae.Config.PixelsPerLatent;

    /// <summary>Where the weights are.</summary>
    public Device Device { get; }

    /// <summary>What the U-Net and the text encoder compute in. The autoencoder always runs in float32.</summary>
    public ScalarType Dtype { get; }

    /// <summary>Loads a model: a directory in the diffusers layout, or a single file in the original layout of Stable Diffusion 1 and 2.</summary>
    /// <param name="path">Directory with <c>model_index.json</c>, or a <c>.safetensors</c> or <c>.ckpt</c> file.</param>
    /// <param name="device">Where to put the weights; the CPU when null.</param>
    /// <param name="dtype">What to compute in; float32 by default.</param>
    /// <param name="options">What the files do not say: the tokenizer of a single file, for instance.</param>
    /// <exception cref="InvalidInputException">A part is missing, damaged or of an unknown kind.</exception>
    public static StableDiffusionModel Load(
        string path, Device? device = null, ScalarType dtype = ScalarType.Float32, ModelLoadOptions? options = null)
    {
        using var files = ModelFiles.Open(path, options);
        var target = device ?? CPU;
        var owned = new List<IDisposable>();
        try
        {
            var tokenizer = files.Tokenizer.Load();
            var shape = files.Shape;
            // The U-Net first: while its weights are converted, its file is in memory as well, and nothing else should be yet.
            var unet = files.Build(ModelParts.UNet, target, dtype, owned, weights => new UNet2DConditionModel(shape.UNet, weights));
            var textEncoder = files.Build(ModelParts.TextEncoder, target, dtype, owned, weights => new ClipTextModel(shape.TextEncoder, weights));
            var vae = files.Build(ModelParts.Vae, target, ScalarType.Float32, owned, weights => new AutoencoderKL(shape.Vae, weights));
            files.RequireFit(tokenizer, textEncoder, unet, vae);
            return new StableDiffusionModel(path, tokenizer, textEncoder, unet, vae, shape.Scheduler, target, dtype, owned, files.Fingerprint());
        }
        catch
        {
            owned.ForEach(o => o.Dispose());
            throw;
        }
    }

    /// <summary>Loads the tokenizer of a model alone, which needs no libtorch.</summary>
    /// <inheritdoc cref="Load"/>
    public static ClipTokenizer LoadTokenizer(string path, ModelLoadOptions? options = null)
    {
        using var files = ModelFiles.Open(path, options);
        return files.Tokenizer.Load();
    }

    /// <summary>Refuses a size whose latents would not be whole.</summary>
    /// <exception cref="InvalidInputException">A side is not a multiple of what a latent covers.</exception>
    internal void RequireFits(PixelSize size)
    {
        var multiple = Vae.Config.PixelsPerLatent;
        InvalidInputException.Require(
            Math.Min(size.Width, size.Height) >= multiple && size.Width % multiple == 0 && size.Height % multiple == 0,
            $"--size {size} does not fit; width and height must be multiples of {multiple}.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in owned)
            part.Dispose();
    }
}
