using PromptToPrompt.Diffusion.Autoencoder;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Diffusion.TextEncoders;
using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>A model directory in the diffusers layout: one folder for each part, with a config and weights.</summary>
internal sealed class ModelDirectory : ModelFiles
{
    public const string IndexFile = "model_index.json";
    public const string ZerosField = "force_zeros_for_empty_prompt";
    private static readonly string[] Pipelines =
        ["StableDiffusionPipeline", "StableDiffusionInpaintPipeline", "StableDiffusionXLPipeline", "StableDiffusionXLInpaintPipeline", "LatentConsistencyModelPipeline", ""];
    private readonly List<StoredTensors> files = [];
    private readonly ModelLoadOptions options;
    private readonly JsonConfig index;

    public ModelDirectory(string directory, ModelLoadOptions options)
        : base(directory, options)
    {
        this.options = options;
        if (!Directory.Exists(directory))
            throw new InvalidInputException($"There is no model directory {directory}; give --model the path of one, or leave it out for the embedded model.");
        index = JsonConfig.Read(System.IO.Path.Combine(directory, IndexFile));
        RequireKnown(index);
    }

    /// <summary>The class that runs such a model in the library of this format.</summary>
    public static string PipelineName(ModelShape shape) =>
        shape.UNet.GuidanceWidth is not null && shape.TextEncoder2 is null ? "LatentConsistencyModelPipeline" :
        $"StableDiffusion{(shape.TextEncoder2 is null ? "" : "XL")}{(shape.IsInpainting ? "Inpaint" : "")}Pipeline";

    /// <summary>Refuses a model of another kind than can be loaded, by its <see cref="IndexFile"/>.</summary>
    /// <exception cref="InvalidInputException">It is one.</exception>
    public static void RequireKnown(JsonConfig index)
    {
        if (!Pipelines.Contains(index.Text("_class_name", "")))
            throw index.Error("_class_name", $"is \"{index.Text("_class_name")}\"; only {string.Join(", ", Pipelines[..^1])} models can be loaded");
    }

    /// <inheritdoc/>
    public override string Format => "diffusers directory";

    /// <inheritdoc/>
    public override IReadOnlyList<TokenizerFolder> Tokenizers => options.Tokenizer is { } given
        ? TokenizerFolder.Shared(TokenizerFolder.Given(given), Encoders)
        : [.. TokenizerFolder.Names.Take(Encoders).Select(name => new TokenizerFolder(Folder(name)))];

    // Without a look at the parts: a tokenizer can be used alone.
    private int Encoders => index.Has(ModelParts.TextEncoder2) ? 2 : 1;

    /// <inheritdoc/>
    protected override void Close() => files.ForEach(file => file.Dispose());

    /// <inheritdoc/>
    protected override ModelShape ReadShape()
    {
        var hasSecond = Encoders > 1;
        return new ModelShape
        {
            TextEncoder = ClipTextConfig.FromFile(Config(ModelParts.TextEncoder)),
            TextEncoder2 = hasSecond ? ClipTextConfig.FromFile(Config(ModelParts.TextEncoder2)) : null,
            UNet = UNetConfig.FromFile(Config(ModelParts.UNet)),
            Vae = AutoencoderConfig.FromFile(Config(ModelParts.Vae)),
            Scheduler = SchedulerConfig.FromFile(Config(ModelParts.Scheduler)),
            ZerosForEmptyPrompt = index.Flag(ZerosField, hasSecond),
        };
    }

    /// <inheritdoc/>
    protected override byte[] ReadConfigText(string part) => File.ReadAllBytes(Config(part));

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
            : throw new InvalidInputException($"The model {Path} has no folder {part}/; it is incomplete, download it again.");
    }

    private string Config(string part) => System.IO.Path.Combine(Folder(part), ModelParts.ConfigFile(part));
}
