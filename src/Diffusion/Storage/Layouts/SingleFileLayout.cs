using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>The original single-file layout of a model family: its parts' prefixes and tensor names.</summary>
internal sealed class SingleFileLayout
{
    /// <summary>Display name of Stable Diffusion XL.</summary>
    public const string XlName = "Stable Diffusion XL";

    /// <summary>Prefix of the autoencoder's tensor names.</summary>
    public const string VaePrefix = "first_stage_model.";

    private const string UNetPrefix = "model.diffusion_model.";
    private const string TextPrefix = "cond_stage_model.";
    private const string ClipPrefix = TextPrefix + "transformer.";
    private const string OpenClipPrefix = TextPrefix + "model.";
    internal const string InputConvolution = UNetPrefix + "input_blocks.0.0.weight";
    private const string XlPrefix = "conditioner.embedders.";
    private const string XlClipPrefix = XlPrefix + "0.transformer.";
    private const string XlOpenClipPrefix = XlPrefix + "1.model.";
    private const string RefinerPrefix = XlPrefix + "0.model.";

    // Tensors left over from training, which are not needed for inference.
    private static readonly string[] Ignored =
    [
        "embeddings.position_ids",
        ".logit_scale",
        ClipPrefix + "text_projection.weight",
        XlClipPrefix + "text_projection.weight",
        OpenClipPrefix + "text_projection",
    ];

    private readonly string ignoredLayer;
    private readonly string textPrefix;

    private SingleFileLayout(string name, ModelConfig shape, string pad, string textPrefix, params IReadOnlyList<KeyTable> texts)
    {
        Name = name;
        Shape = shape;
        Pad = pad;
        this.textPrefix = textPrefix;
        ignoredLayer = $"{OpenClipPrefix}transformer.resblocks.{shape.TextEncoder.Layers}.";
        Tables = new Dictionary<string, KeyTable>(ModelParts.TextEncoders.Zip(texts, KeyValuePair.Create))
        {
            [ModelParts.UNet] = new(UNetPrefix, UNetKeys.Rows(shape.UNet)),
            [ModelParts.Vae] = new(VaePrefix, AutoencoderKeys.Rows(shape.Vae)),
        };
    }

    /// <summary>Display name of the family.</summary>
    public string Name { get; }

    /// <summary>The configs of its models.</summary>
    public ModelConfig Shape { get; }

    /// <summary>The name table of each part.</summary>
    public IReadOnlyDictionary<string, KeyTable> Tables { get; }

    /// <summary>The padding token of the first text encoder; the tokenizer in use may come from another family.</summary>
    public string Pad { get; }

    /// <summary>Stable Diffusion 1: CLIP's text encoder.</summary>
    public static SingleFileLayout StableDiffusion1(ModelConfig shape) =>
        new("Stable Diffusion 1", shape, BpeVocabulary.EndOfText, TextPrefix, new KeyTable(ClipPrefix, TextEncoderKeys.Clip()));

    /// <summary>Stable Diffusion 2: OpenCLIP's text encoder, which pads prompts with token 0.</summary>
    public static SingleFileLayout StableDiffusion2(ModelConfig shape) =>
        new("Stable Diffusion 2", shape, TokenizerFolder.OpenClipPad, TextPrefix, new KeyTable(OpenClipPrefix, TextEncoderKeys.OpenClip(shape.TextEncoder.Layers)));

    /// <summary>Stable Diffusion XL: both text encoders, OpenCLIP's with its projection.</summary>
    public static SingleFileLayout StableDiffusionXl(ModelConfig shape) => new(
        XlName,
        shape,
        BpeVocabulary.EndOfText,
        XlPrefix,
        new KeyTable(XlClipPrefix, TextEncoderKeys.Clip()),
        new KeyTable(XlOpenClipPrefix, TextEncoderKeys.OpenClip(shape.TextEncoder2!.Layers, projection: true)));

    /// <summary>The layout for writing a model, determined by its text encoders.</summary>
    public static SingleFileLayout Of(ModelConfig shape) =>
        shape.TextEncoder2 is not null ? StableDiffusionXl(shape)
        : shape.TextEncoder.QuickGelu ? StableDiffusion1(shape)
        : StableDiffusion2(shape);

    /// <summary>Detects the layout of a file from its keys.</summary>
    /// <param name="path">The file's name in errors.</param>
    /// <param name="tensors">The file's tensors.</param>
    /// <param name="noted">The configs in the file's metadata, if any.</param>
    /// <returns>Null if the file is not a Stable Diffusion checkpoint.</returns>
    /// <exception cref="InvalidInputException">The family is not supported.</exception>
    public static SingleFileLayout? Detect(string path, IReadOnlyDictionary<string, StoredWeight> tensors, ModelConfig? noted)
    {
        if (Has(RefinerPrefix))
            throw new InvalidInputException($"{path} is the refiner of Stable Diffusion XL, which only refines images of another model. Use the base model.");
        if (!tensors.TryGetValue(InputConvolution, out var input) || input.Shape.Count != 4)
            return null;
        var channels = (int)input.Shape[1];
        if (noted is null && channels is not (4 or 9))
        {
            throw new InvalidInputException(
                $"{path} has a U-Net of {channels} input channels (made for depth, instructions or upscaling). Only models with 4 or, for inpainting, 9 channels are supported.");
        }

        return Has(XlOpenClipPrefix) ? StableDiffusionXl(noted ?? Inputs(ModelConfig.StableDiffusionXl))
            : Has(OpenClipPrefix) ? StableDiffusion2(noted ?? Inputs(ModelConfig.StableDiffusion21))
            : Has(TextPrefix) ? StableDiffusion1(noted ?? Inputs(ModelConfig.StableDiffusion15))
            : throw new InvalidInputException(
                $"{path} contains a U-Net without a text encoder. A complete checkpoint has tensors named {TextPrefix}… or {XlPrefix}….");

        bool Has(string prefix) => tensors.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));
        ModelConfig Inputs(ModelConfig shape) => shape with { UNet = shape.UNet with { InChannels = channels } };
    }

    /// <summary>The part that a tensor belongs to, by its prefix; null for tensors outside the model, such as the moving average.</summary>
    public string? PartOf(string original)
    {
        var part = Tables.Keys.FirstOrDefault(part => original.StartsWith(Tables[part].Prefix, StringComparison.Ordinal))
            ?? (original.StartsWith(textPrefix, StringComparison.Ordinal) ? ModelParts.TextEncoder : null);
        var isIgnored = original.StartsWith(ignoredLayer, StringComparison.Ordinal)
            || original.StartsWith(VaePrefix + "loss.", StringComparison.Ordinal)
            || Ignored.Any(name => original.EndsWith(name, StringComparison.Ordinal));
        return isIgnored ? null : part;
    }
}
