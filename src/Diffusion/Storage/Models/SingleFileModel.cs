using System.Text;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Adapters;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>A checkpoint in one file, in the layout of the code that Stable Diffusion was first published with.</summary>
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

    /// <summary>What the network predicts, and why that is believed.</summary>
    public PredictionClue Prediction { get; }

    /// <inheritdoc/>
    public override string Format => "single file";

    /// <summary>The family that the keys show.</summary>
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

    /// <summary>Tensors of the file that are no part of the model: a moving average, what training left behind.</summary>
    public IReadOnlyList<string> Ignored => [.. file.Tensors.Keys.Where(name => layout.PartOf(name) is null)];

    /// <summary>Opens a file and finds its family.</summary>
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
        // A marker that some fine-tuned models carry. Only a run that begins at the last timestep sees the pure noise it is about.
        var isZeroSnr = file.Tensors.ContainsKey("ztsnr");
        // Stable Diffusion 2 was published for 768×768 where it predicts velocity and for 512×512 where it predicts noise.
        var isBase = shape.Scheduler.PredictionType == PredictionType.VPrediction && Prediction.Prediction == PredictionType.Epsilon;
        return shape with
        {
            UNet = shape.UNet with { SampleSize = isBase ? ModelConfig.StableDiffusion15.UNet.SampleSize : shape.UNet.SampleSize },
            Scheduler = shape.Scheduler with
            {
                PredictionType = Prediction.Prediction,
                RescaleBetasZeroSnr = isZeroSnr,
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

    /// <summary>A better description of what is no checkpoint of Stable Diffusion.</summary>
    private static string Otherwise(IEnumerable<string> names)
    {
        var keys = names.ToList();
        if (keys.Exists(name => LoraTensor.Parse(name) is not null))
            return "is a LoRA and not a whole model. Load a whole checkpoint, and add this file as a LoRA.";
        if (keys.Exists(name => name.StartsWith("down_blocks.", StringComparison.Ordinal) || name.StartsWith("text_model.", StringComparison.Ordinal)
            || name.StartsWith("encoder.down_blocks.", StringComparison.Ordinal)))
            return "is one part of a model directory; give the directory that has model_index.json.";
        return $"is no Stable Diffusion checkpoint: it has no tensor \"{SingleFileLayout.InputConvolution}\" of 4 dimensions; give a whole checkpoint of Stable Diffusion 1, 2 or XL.";
    }
}
