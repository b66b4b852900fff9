using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>The original layout of a family of models: where its parts stand in the file and what their tensors are called.</summary>
internal sealed class SingleFileLayout
{
    /// <summary>Stable Diffusion XL, in words.</summary>
    public const string XlName = "Stable Diffusion XL";

    /// <summary>What the autoencoder's names begin with.</summary>
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

    // What training left in the file and no picture needs.
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

    /// <summary>The family, in words.</summary>
    public string Name { get; }

    /// <summary>The shape of its models.</summary>
    public ModelConfig Shape { get; }

    /// <summary>The names of each part.</summary>
    public IReadOnlyDictionary<string, KeyTable> Tables { get; }

    /// <summary>The token that prompts are filled up with for the first text encoder; the tokenizer that is found may be another family's.</summary>
    public string Pad { get; }

    /// <summary>Stable Diffusion 1: CLIP's text encoder.</summary>
    public static SingleFileLayout StableDiffusion1(ModelConfig shape) =>
        new("Stable Diffusion 1", shape, BpeVocabulary.EndOfText, TextPrefix, new KeyTable(ClipPrefix, TextEncoderKeys.Clip()));

    /// <summary>Stable Diffusion 2: OpenCLIP's text encoder, whose own code fills prompts up with token 0.</summary>
    public static SingleFileLayout StableDiffusion2(ModelConfig shape) =>
        new("Stable Diffusion 2", shape, TokenizerFolder.OpenClipPad, TextPrefix, new KeyTable(OpenClipPrefix, TextEncoderKeys.OpenClip(shape.TextEncoder.Layers)));

    /// <summary>Stable Diffusion XL: both of these text encoders, OpenCLIP's with its projection.</summary>
    public static SingleFileLayout StableDiffusionXl(ModelConfig shape) => new(
        XlName,
        shape,
        BpeVocabulary.EndOfText,
        XlPrefix,
        new KeyTable(XlClipPrefix, TextEncoderKeys.Clip()),
        new KeyTable(XlOpenClipPrefix, TextEncoderKeys.OpenClip(shape.TextEncoder2!.Layers, projection: true)));

    /// <summary>The layout that a model of a shape is written in: the text encoders decide.</summary>
    public static SingleFileLayout Of(ModelConfig shape) =>
        shape.TextEncoder2 is not null ? StableDiffusionXl(shape)
        : shape.TextEncoder.QuickGelu ? StableDiffusion1(shape)
        : StableDiffusion2(shape);

    /// <summary>The layout of a file, by its keys.</summary>
    /// <param name="path">What errors call the file.</param>
    /// <param name="tensors">The file's tensors.</param>
    /// <param name="noted">The shape that the file's notes give, where there are any.</param>
    /// <returns>Null where the file is no checkpoint of Stable Diffusion.</returns>
    /// <exception cref="InvalidInputException">It is one of a family that is not supported.</exception>
    public static SingleFileLayout? Detect(string path, IReadOnlyDictionary<string, StoredWeight> tensors, ModelConfig? noted)
    {
        if (Has(RefinerPrefix))
            throw new InvalidInputException($"{path} is the refiner of Stable Diffusion XL, which only finishes pictures of another model; give the base model.");
        if (!tensors.TryGetValue(InputConvolution, out var input) || input.Shape.Count != 4)
            return null;
        var channels = (int)input.Shape[1];
        if (noted is null && channels is not (4 or 9))
        {
            throw new InvalidInputException(
                $"{path} has a U-Net of {channels} input channels (made for depth, instructions or enlarging); only those of 4 and, for inpainting, 9 can be used.");
        }

        return Has(XlOpenClipPrefix) ? StableDiffusionXl(noted ?? Inputs(ModelConfig.StableDiffusionXl))
            : Has(OpenClipPrefix) ? StableDiffusion2(noted ?? Inputs(ModelConfig.StableDiffusion21))
            : Has(TextPrefix) ? StableDiffusion1(noted ?? Inputs(ModelConfig.StableDiffusion15))
            : throw new InvalidInputException(
                $"{path} holds a U-Net without a text encoder; a whole checkpoint has tensors named {TextPrefix}… or {XlPrefix}….");

        bool Has(string prefix) => tensors.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));
        ModelConfig Inputs(ModelConfig shape) => shape with { UNet = shape.UNet with { InChannels = channels } };
    }

    /// <summary>The part that a tensor belongs to by its prefix; null for what is no part of the model, such as the moving average.</summary>
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
