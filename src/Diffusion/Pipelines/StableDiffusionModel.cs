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
        string directory, ClipTokenizer tokenizer, IReadOnlyList<PromptEncoder> textEncoders, UNet2DConditionModel unet, AutoencoderKL vae,
        ModelShape shape, Device device, ScalarType dtype, IReadOnlyList<IDisposable> owned, string fingerprint)
    {
        Directory = directory;
        Fingerprint = fingerprint;
        Tokenizer = tokenizer;
        TextEncoders = textEncoders;
        UNet = unet;
        Vae = vae;
        Scheduler = shape.Scheduler;
        ZerosForEmptyPrompt = shape.ZerosForEmptyPrompt;
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

    /// <summary>Encode tokens: one, or two that each see the same tokens.</summary>
    public IReadOnlyList<PromptEncoder> TextEncoders { get; }

    /// <summary>Predicts noise.</summary>
    public UNet2DConditionModel UNet { get; }

    /// <summary>Converts between pictures and latents.</summary>
    public AutoencoderKL Vae { get; }

    /// <summary>The noise schedule the model was trained with.</summary>
    public SchedulerConfig Scheduler { get; }

    /// <summary>Whether an empty prompt is zeros and not what the text encoders make of it.</summary>
    public bool ZerosForEmptyPrompt { get; }

    /// <summary>Whether the U-Net was distilled to take guidance as an input; the negative prompt plays no part then.</summary>
    public bool TakesGuidance => UNet.Config.GuidanceWidth is not null;

    /// <summary>Side of the pictures that the model was trained on, in pixels.</summary>
    public int PictureSide => UNet.Config.SampleSize * Vae.Config.PixelsPerLatent;

    /// <summary>Where the weights are.</summary>
    public Device Device { get; }

    /// <summary>What the U-Net and the text encoder compute in. The autoencoder always runs in float32.</summary>
    public ScalarType Dtype { get; }

    /// <summary>Loads a model: a directory in the diffusers layout, or a single file in the original layout.</summary>
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
            var shape = files.Shape;
            var tokenizers = files.LoadTokenizers();
            files.RequireFit(tokenizers[0]);
            // The U-Net first: while its weights are converted, its file is in memory as well, and nothing else should be yet.
            var unet = files.Build(ModelParts.UNet, target, dtype, owned, weights => new UNet2DConditionModel(shape.UNet, weights));
            var textEncoders = ModelParts.TextEncoders.Zip(shape.TextEncoders, tokenizers).Select(part => new PromptEncoder(
                files.Build(part.First, target, dtype, owned, weights => new ClipTextModel(part.Second, weights)), part.Third.PadId)).ToList();
            var vae = files.Build(ModelParts.Vae, target, ScalarType.Float32, owned, weights => new AutoencoderKL(shape.Vae, weights) { IsTiled = options?.TiledVae ?? false });
            return new StableDiffusionModel(path, tokenizers[0], textEncoders, unet, vae, shape, target, dtype, owned, files.Fingerprint());
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
        return files.LoadTokenizer();
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
