using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native.Numerics;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>A Stable Diffusion model: tokenizer, text encoder, U-Net, autoencoder and scheduler config. Runs do not change it.</summary>
public sealed class StableDiffusionModel : IDisposable
{
    private readonly ModelPart<IReadOnlyList<PromptEncoder>> textEncoders;
    private readonly ModelPart<UNet2DConditionModel> unet;
    private readonly ModelPart<AutoencoderKL> vae;
    private readonly ModelLoadOptions options;
    private readonly IReadOnlyDictionary<string, string> wordHashes;
    private bool isDisposed;

    private StableDiffusionModel(ModelFiles files, ModelLoadOptions options, Device device, Precision precision)
    {
        var tokenizers = files.LoadTokenizers();
        files.RequireFit(tokenizers[0]);
        var shape = files.Shape;
        this.options = options;
        Directory = files.Path;
        Fingerprint = files.Fingerprint();
        FingerprintWithoutEmbeddings = files.FingerprintWithoutEmbeddings(Fingerprint);
        wordHashes = files.WordHashes();
        Notes = files.Notes;
        Tokenizer = tokenizers[0];
        Shape = shape;
        Device = device;
        Precision = precision;
        OnePartAtATime = options.OnePartAtATime;
        TilesImages = options.TiledVae;
        textEncoders = Part<IReadOnlyList<PromptEncoder>>((from, on, owned) =>
        [
            .. ModelParts.TextEncoders.Zip(shape.TextEncoders, tokenizers).Select(part => new PromptEncoder(
                from.Build(part.First, on, precision, owned, weights => new ClipTextModel(part.Second, weights)), part.Third.PadId)),
        ]);
        unet = Part((from, on, owned) => from.Build(ModelParts.UNet, on, precision, owned, weights => new UNet2DConditionModel(shape.UNet, weights)));
        vae = Part((from, on, owned) => from.Build(
            ModelParts.Vae, on, Precision.Single, owned, weights => new AutoencoderKL(shape.Vae, weights) { IsTiled = TilesImages }));

        ModelPart<T> Part<T>(Func<ModelFiles, Device, List<IDisposable>, T> build)
            where T : class => new(device, OpenAgain, build);
    }

    /// <summary>Path that the model was loaded from.</summary>
    public string Directory { get; }

    /// <summary>Identifies the model: a hash of its configs and of samples of its weights.</summary>
    public string Fingerprint { get; }

    /// <summary>The fingerprint of the same model without embedding files. Prompts without their words give the same images with both models.</summary>
    internal string FingerprintWithoutEmbeddings { get; }

    /// <summary>
    /// Identifies the words of embedding files in a prompt. With it, <see cref="FingerprintWithoutEmbeddings"/> tells whether two models give the same images
    /// for this prompt, whatever other words they have.
    /// </summary>
    internal string WordsIn(string prompt) => string.Join(' ', Tokenizer.AddedWordsIn(prompt).Where(wordHashes.ContainsKey).Order(StringComparer.Ordinal).Select(word => $"{word}={wordHashes[word]}"));

    /// <summary>Warnings about unsupported config entries. Usually empty.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>The configs of its parts and of its noise schedule.</summary>
    internal ModelConfig Shape { get; }

    /// <summary>The tokenizer.</summary>
    public ClipTokenizer Tokenizer { get; }

    /// <summary>The text encoders: one or two, which read the same tokens.</summary>
    internal IReadOnlyList<PromptEncoder> TextEncoders => Take(textEncoders);

    /// <summary>The U-Net, which predicts noise.</summary>
    internal UNet2DConditionModel UNet => Take(unet);

    /// <summary>The autoencoder, which converts between images and latents.</summary>
    internal AutoencoderKL Vae => Take(vae);

    /// <summary>The noise schedule of the training, and the configs of the schedulers.</summary>
    internal SchedulerConfig SchedulerConfig => Shape.Scheduler;

    /// <summary>Whether the conditioning of an empty prompt is zeros instead of the text encoders' output.</summary>
    public bool ZerosForEmptyPrompt => Shape.ZerosForEmptyPrompt;

    /// <summary>The U-Net in the form that the denoising loop uses.</summary>
    internal Denoiser Denoiser => new(Directory, Shape.UNet, Dtype, Device, () => UNet);

    /// <summary>Side of the training images, in pixels.</summary>
    public int ImageSide => Shape.UNet.SampleSize * Shape.Vae.PixelsPerLatent;

    /// <summary>The result of the numerics check of the device.</summary>
    internal NumericsVerdict Numerics { get; private init; }

    /// <summary>Device of the weights.</summary>
    public Device Device { get; }

    /// <summary>Types of the U-Net and the text encoders. The autoencoder always has float32 weights and computes in float32.</summary>
    internal Precision Precision { get; }

    /// <summary>Compute type of the U-Net and the text encoders. The autoencoder always computes in float32.</summary>
    public ScalarType Dtype => Precision.Arithmetic;

    /// <summary>Type of the weights of the U-Net and the text encoders. Narrower than <see cref="Dtype"/> on a CPU that has no arithmetic in it.</summary>
    public ScalarType WeightType => Precision.Weights;

    /// <summary>
    /// Whether only the weights of one part are in memory at a time. Accessing a part then releases the others: access it where it is used, and do not keep it.
    /// </summary>
    public bool OnePartAtATime { get; }

    /// <summary>Whether the autoencoder works in tiles; see <see cref="AutoencoderKL.IsTiled"/>.</summary>
    public bool TilesImages { get; }

    /// <summary>Loads a model: a directory in the diffusers layout, or a single file in the original layout.</summary>
    /// <param name="path">Directory with <c>model_index.json</c>, or a <c>.safetensors</c> or <c>.ckpt</c> file.</param>
    /// <param name="device">Device of the weights; null for the CPU.</param>
    /// <param name="dtype">
    /// Type of the weights and of the computation; float32 by default. A CPU without arithmetic in this type computes in float32 with these weights.
    /// </param>
    /// <param name="options">Additional load options, such as the tokenizer of a single file.</param>
    /// <exception cref="InvalidInputException">A part is missing, damaged or of an unknown type.</exception>
    /// <exception cref="WrongNumericsException">The device computes incorrect results.</exception>
    public static StableDiffusionModel Load(
        string path, Device? device = null, ScalarType dtype = ScalarType.Float32, ModelLoadOptions? options = null)
    {
        options ??= new ModelLoadOptions();
        var numerics = MachineNumerics.Require(device ?? CPU);
        using var files = ModelFiles.Open(path, options);
        var model = new StableDiffusionModel(files, options, device ?? CPU, Precision.On(device ?? CPU, dtype)) { Numerics = numerics };
        try
        {
            model.Load(files);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Loads only the tokenizer of a model, which does not need libtorch.</summary>
    /// <inheritdoc cref="Load(string, Device?, ScalarType, ModelLoadOptions?)"/>
    public static ClipTokenizer LoadTokenizer(string path, ModelLoadOptions? options = null)
    {
        using var files = ModelFiles.Open(path, options);
        return files.LoadTokenizer();
    }

    /// <summary>The config of a model, without its weights.</summary>
    /// <exception cref="InvalidInputException">The model does not exist or is damaged.</exception>
    internal static ModelConfig LoadConfig(string path, ModelLoadOptions? options = null)
    {
        using var files = ModelFiles.Open(path, options);
        return files.Shape;
    }

    /// <summary>Creates the scheduler of one run.</summary>
    /// <param name="scheduler">The scheduler.</param>
    /// <param name="steps">Number of denoising steps, at least 1. PNDM evaluates the network once more.</param>
    /// <param name="seed">Seed of the noise added by stochastic schedulers.</param>
    /// <exception cref="InvalidInputException">The scheduler does not support this number of steps or this model.</exception>
    internal Scheduler CreateScheduler(SchedulerKind scheduler, int steps, ulong seed = 0) => SchedulerConfig.CreateScheduler(scheduler, steps, seed);

    /// <summary>The framing that fits images of a size to the model's size and back.</summary>
    /// <param name="kind">Crop, fit or pad.</param>
    /// <param name="image">Size of the images.</param>
    /// <param name="size">Working size in pixels; null for the model's default.</param>
    /// <param name="margins">Margins to cut off first.</param>
    /// <exception cref="InvalidInputException">The margins or the size are invalid for this model.</exception>
    internal Framing Frame(FramingKind kind, PixelSize image, PixelSize? size = null, PixelMargins margins = default)
    {
        var target = size ?? new PixelSize(ImageSide, ImageSide);
        RequireFits(target);
        return Framing.Create(kind, image, target, Shape.Vae.PixelsPerLatent, margins);
    }

    /// <summary>Requires that an image size corresponds to whole latents.</summary>
    /// <exception cref="InvalidInputException">A side is not a multiple of the pixels a latent covers.</exception>
    internal void RequireFits(PixelSize size) => Shape.RequireFits(size);

    /// <inheritdoc/>
    public void Dispose()
    {
        isDisposed = true;
        foreach (var part in Parts)
            part.Release();
    }

    private IReadOnlyList<IModelPart> Parts => [unet, textEncoders, vae];

    private void Load(ModelFiles files)
    {
        // Check all parts first, so that a damaged part is reported immediately and not when it is first used, possibly after an hour.
        if (OnePartAtATime)
        {
            unet.Check(files);
            textEncoders.Check(files);
            vae.Check(files);
            return;
        }

        // The U-Net is loaded first: while its weights are converted, its file is in memory too, and nothing else should be.
        unet.Load(files);
        textEncoders.Load(files);
        vae.Load(files);
    }

    private ModelFiles OpenAgain()
    {
        var files = ModelFiles.Open(Directory, options);
        if (files.Fingerprint() == Fingerprint)
            return files;
        files.Dispose();
        throw new InvalidInputException($"The files of {Directory} have changed since the run started. Start it again.");
    }

    private T Take<T>(ModelPart<T> wanted)
        where T : class
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (OnePartAtATime)
        {
            foreach (var other in Parts.Where(part => part != wanted))
                other.Release();
        }

        return wanted.Value;
    }
}
