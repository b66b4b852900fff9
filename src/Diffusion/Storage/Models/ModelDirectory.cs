using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>A model directory in the diffusers layout: one directory per part, with a config and weights.</summary>
internal sealed class ModelDirectory : ModelFiles
{
    // Parts that are read from their directories or not needed for inference, and their settings.
    private static readonly HashSet<string> HarmlessInIndex =
    [
        .. JsonConfig.Bookkeeping, .. ModelParts.TextEncoders, ModelParts.UNet, ModelParts.Vae, ModelParts.Scheduler, .. TokenizerFolder.Names,
        "safety_checker", "feature_extractor", "image_encoder", "requires_safety_checker", "requires_aesthetics_score", "add_watermarker",
    ];

    private readonly List<StoredTensors> files = [];
    private readonly ModelLoadOptions options;
    private readonly JsonConfig index;

    public ModelDirectory(string directory, ModelLoadOptions options)
        : base(directory, options)
    {
        this.options = options;
        if (!Directory.Exists(directory))
            throw new InvalidInputException("Model", $"There is no directory {directory}.", "Use the path of a model, or leave it out for the embedded model.");
        index = JsonConfig.Read(System.IO.Path.Combine(directory, ModelIndex.FileName));
        ModelIndex.RequireKnown(index);
    }

    /// <inheritdoc/>
    public override string Format => "diffusers directory";

    /// <inheritdoc/>
    public override IReadOnlyList<TokenizerFolder> Tokenizers => options.Tokenizer is { } given
        ? TokenizerFolder.Shared(TokenizerFolder.Given(given), Encoders)
        : [.. TokenizerFolder.Names.Take(Encoders).Select(name => new TokenizerFolder(Folder(name)))];

    // From the index, without reading the parts: the tokenizer can be used alone.
    private int Encoders => index.Has(ModelParts.TextEncoder2) ? 2 : 1;

    /// <inheritdoc/>
    protected override bool HasVae => Directory.Exists(System.IO.Path.Combine(Path, ModelParts.Vae));

    /// <inheritdoc/>
    protected override void Close() => files.ForEach(file => file.Dispose());

    /// <inheritdoc/>
    protected override ModelConfig ReadShape()
    {
        var hasSecond = Encoders > 1;
        RequireVae();
        return new ModelConfig
        {
            TextEncoder = Read(ModelParts.TextEncoder, ClipTextConfig.FromJson),
            TextEncoder2 = hasSecond ? Read(ModelParts.TextEncoder2, ClipTextConfig.FromJson) : null,
            UNet = Read(ModelParts.UNet, UNetConfig.FromJson),
            // Without an autoencoder, the text encoders determine which one the model was trained with.
            Vae = HasVae ? Read(ModelParts.Vae, AutoencoderConfig.FromJson) : (hasSecond ? ModelConfig.StableDiffusionXl : ModelConfig.StableDiffusion15).Vae,
            Scheduler = WithClass(Read(ModelParts.Scheduler, SchedulerConfig.FromJson)),
            ZerosForEmptyPrompt = Read(index, json =>
            {
                var zeros = json.Flag(ModelIndex.ZerosField, hasSecond);
                json.NoteUnknown(HarmlessInIndex);
                return zeros;
            }),
        };
    }

    /// <summary>Adds the class that the index names to a scheduler config without one.</summary>
    private SchedulerConfig WithClass(SchedulerConfig config)
    {
        if (!index.Has(ModelParts.Scheduler) || index.Strings(ModelParts.Scheduler) is not [_, var named])
            return config;
        SchedulerConfig.RequireKnown(index, ModelParts.Scheduler, named);
        if (config.ClassName is not { Length: > 0 })
            return config with { ClassName = named };
        // A replaced scheduler causes a warning of its own.
        if (config.ClassName != named && config.PreferredScheduler is not null)
            Note($"{Path}: {ModelIndex.FileName} names the scheduler {named}, but the scheduler's own config names {config.ClassName}; the latter is used");
        return config;
    }

    private T Read<T>(string part, Func<JsonConfig, T> read) => Read(JsonConfig.Read(Config(part)), read);

    /// <inheritdoc/>
    protected override byte[] ReadConfigText(string part) => TextFile.ReadUtf8(Config(part));

    /// <inheritdoc/>
    protected override PartWeights OpenWeights(string part)
    {
        var tensors = StoredTensors.Open(WeightFiles.Find(Folder(part), options.Variant));
        files.Add(tensors);
        return new PartWeights(tensors.Origin, tensors.Files, tensors.Tensors);
    }

    private string Folder(string part)
    {
        var folder = System.IO.Path.Combine(Path, part);
        return Directory.Exists(folder) ? folder
            : throw new InvalidInputException($"The model {Path} has no directory {part}/. It is incomplete; download it again.");
    }

    private string Config(string part) => System.IO.Path.Combine(Folder(part), ModelParts.ConfigFile(part));
}
