using System.Text;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Adapters;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>A checkpoint in a single file, in the layout of Stable Diffusion's original code.</summary>
internal sealed class SingleFileModel : ModelFiles
{
    private readonly StoredTensors file;
    private readonly SingleFileLayout layout;
    private readonly ModelLoadOptions options;
    private readonly bool hasNotes;

    private SingleFileModel(StoredTensors file, SingleFileLayout layout, PredictionClue prediction, bool hasNotes, ModelLoadOptions options)
        : base(file.Origin, options)
    {
        this.file = file;
        this.layout = layout;
        this.options = options;
        this.hasNotes = hasNotes;
        Prediction = options.Prediction is { } given ? new PredictionClue(given, PredictionClue.Chosen) : prediction;
    }

    /// <summary>The network's prediction type, with the evidence for it.</summary>
    public PredictionClue Prediction { get; }

    /// <inheritdoc/>
    public override string Format => "single file";

    /// <summary>The family, detected from the keys.</summary>
    public string Family => layout.Name;

    /// <inheritdoc/>
    public override IReadOnlyList<TokenizerFolder> Tokenizers
    {
        get
        {
            var found = TokenizerSearch.Find(Path, options);
            return TokenizerFolder.Shared(hasNotes ? found : found with { Pad = layout.Pad }, layout.Shape.TextEncoders.Count);
        }
    }

    /// <summary>Tensors of the file that are not part of the model: a moving average, or training leftovers.</summary>
    public IReadOnlyList<string> Ignored => [.. file.Tensors.Keys.Where(name => layout.PartOf(name) is null)];

    /// <summary>Opens a file and detects its family.</summary>
    public static new SingleFileModel Open(string path, ModelLoadOptions options)
    {
        var file = StoredTensors.Open(path);
        try
        {
            var said = new List<string>();
            var noted = SingleFileNotes.Read(path, file.Metadata, said);
            var layout = SingleFileLayout.Detect(path, file.Tensors, noted)
                ?? throw new InvalidInputException($"{path} {Otherwise(file.Tensors.Keys)}");
            var scheduler = layout.Shape.Scheduler;
            var prediction = noted is not null
                ? new PredictionClue(scheduler.PredictionType, "the config in the file's notes")
                : PredictionClue.Find(path, file, scheduler.PredictionType, layout.Shape.UNet.InChannels > layout.Shape.UNet.OutChannels);
            var model = new SingleFileModel(file, layout, prediction, noted is not null, options);
            said.ForEach(model.Note);
            return model;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override void Close() => file.Dispose();

    /// <inheritdoc/>
    protected override bool HasVae => file.Tensors.Keys.Any(name => name.StartsWith(SingleFileLayout.VaePrefix, StringComparison.Ordinal));

    /// <inheritdoc/>
    protected override ModelConfig ReadShape()
    {
        var shape = layout.Shape;
        if (hasNotes)
            return shape;
        // A marker in some fine-tuned models. It concerns the pure noise at the last timestep, which only runs that start there see.
        var isZeroSnr = file.Tensors.ContainsKey("ztsnr");
        // Stable Diffusion 2 was published for 768×768 with velocity prediction and for 512×512 with noise prediction.
        var isBase = shape.Scheduler.PredictionType == PredictionType.VPrediction && Prediction.Prediction == PredictionType.Epsilon;
        return shape with
        {
            UNet = shape.UNet with { SampleSize = isBase ? ModelConfig.StableDiffusion15.UNet.SampleSize : shape.UNet.SampleSize },
            Scheduler = shape.Scheduler with
            {
                PredictionType = Prediction.Prediction,
                Noise = shape.Scheduler.Noise with { RescaleBetasZeroSnr = isZeroSnr },
                TimestepSpacing = isZeroSnr ? TimestepSpacing.Trailing : shape.Scheduler.TimestepSpacing,
            },
        };
    }

    /// <inheritdoc/>
    protected override byte[] ReadConfigText(string part)
    {
        return hasNotes ? SingleFileNotes.ConfigText(file.Metadata, part)! : Encoding.UTF8.GetBytes(ModelParts.Config(part, Shape).ToJsonString());
    }

    /// <inheritdoc/>
    protected override PartWeights OpenWeights(string part)
    {
        var table = layout.Tables[part];
        var (tensors, unknown) = table.Convert(file.Tensors.Where(tensor => layout.PartOf(tensor.Key) == part));
        return new PartWeights(Path, file.Files, tensors)
        {
            NameInFile = name => table.ToOriginal(name)?.Original ?? name,
            Unknown = unknown,
        };
    }

    /// <summary>A more specific description of a file that is not a Stable Diffusion checkpoint.</summary>
    private static string Otherwise(IEnumerable<string> names)
    {
        var keys = names.ToList();
        if (keys.Exists(name => LoraTensor.Parse(name) is not null))
            return "is a LoRA, not a complete model. Load a complete checkpoint, and add this file as a LoRA.";
        if (keys.Exists(name => name.StartsWith("down_blocks.", StringComparison.Ordinal) || name.StartsWith("text_model.", StringComparison.Ordinal)
            || name.StartsWith("encoder.down_blocks.", StringComparison.Ordinal)))
            return "is one part of a model directory. Use the directory that contains model_index.json.";
        return $"is not a Stable Diffusion checkpoint: it has no tensor \"{SingleFileLayout.InputConvolution}\" with 4 dimensions. Use a complete checkpoint of Stable Diffusion 1, 2 or XL.";
    }
}
