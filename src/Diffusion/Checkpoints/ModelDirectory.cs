using PromptToPrompt.Diffusion.Autoencoder;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Diffusion.TextEncoders;
using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>A model directory in the diffusers layout: one folder for each part, with a config and weights.</summary>
internal sealed class ModelDirectory : ModelFiles
{
    public const string IndexFile = "model_index.json";
    private static readonly string[] Pipelines = ["StableDiffusionPipeline", "StableDiffusionInpaintPipeline", ""];
    private readonly List<StoredTensors> files = [];
    private readonly ModelLoadOptions options;

    public ModelDirectory(string directory, ModelLoadOptions options)
        : base(directory, options)
    {
        this.options = options;
        if (!Directory.Exists(directory))
            throw new InvalidInputException($"There is no model directory {directory}; give --model the path of one, or leave it out for the embedded model.");
        var index = JsonConfig.Read(System.IO.Path.Combine(directory, IndexFile));
        if (!Pipelines.Contains(index.Text("_class_name", "")))
            throw index.Error("_class_name", $"is \"{index.Text("_class_name")}\"; only StableDiffusionPipeline and StableDiffusionInpaintPipeline models can be loaded so far");
    }

    /// <inheritdoc/>
    public override string Format => "diffusers directory";

    /// <inheritdoc/>
    public override TokenizerFolder Tokenizer =>
        options.Tokenizer is { } given ? TokenizerFolder.Given(given) : new TokenizerFolder(Folder(TokenizerFolder.Name));

    /// <inheritdoc/>
    public override void Dispose() => files.ForEach(file => file.Dispose());

    /// <inheritdoc/>
    protected override ModelShape ReadShape() => new()
    {
        TextEncoder = ClipTextConfig.FromFile(Config(ModelParts.TextEncoder)),
        UNet = UNetConfig.FromFile(Config(ModelParts.UNet)),
        Vae = AutoencoderConfig.FromFile(Config(ModelParts.Vae)),
        Scheduler = SchedulerConfig.FromFile(Config(ModelParts.Scheduler)),
    };

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
