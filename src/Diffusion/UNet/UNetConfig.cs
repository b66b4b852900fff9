using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>One resolution level of a U-Net.</summary>
/// <param name="Channels">Channels at this level.</param>
/// <param name="Heads">Number of attention heads at this level.</param>
/// <param name="DownAttention">Whether the contracting block has transformers.</param>
/// <param name="UpAttention">Whether the expanding block has transformers.</param>
/// <param name="TransformerDepth">Number of transformer blocks in each of its transformers.</param>
internal sealed record UNetLevel(int Channels, int Heads, bool DownAttention, bool UpAttention, int TransformerDepth);

/// <summary>The added conditioning that some U-Nets add to the timestep embedding.</summary>
/// <param name="Width">Width of the pooled text and the embedded sizes together.</param>
/// <param name="SizeWidth">Width of the embedding of each of the six sizes.</param>
internal sealed record AddedConditioningConfig(int Width, int SizeWidth);

/// <summary>The config of a U-Net, from its <c>config.json</c>.</summary>
internal sealed record UNetConfig
{
    private const string AdditionType = "addition_embed_type";
    private const string TextAndSizes = "text_time";
    private const string GuidanceField = "time_cond_proj_dim";
    private const string MidField = "mid_block_type";

    // Fields without effect. Those of the exponential moving average are left over from training.
    private static readonly HashSet<string> Harmless =
    [
        .. JsonConfig.Bookkeeping,
        "dropout", // only affects training
        "upcast_attention", // precision: attention is accumulated in float32 anyway
        "addition_embed_type_num_heads", // belongs to an unsupported embedding
        "addition_time_embed_dim", "projection_class_embeddings_input_dim", // belongs to the added conditioning; ignored without it
        "attention_head_dim", // overridden by num_attention_heads
        "decay", "min_decay", "inv_gamma", "power", "optimization_step", "update_after_step", "use_ema_warmup",
    ];

    // Fields that change the computation, with the only supported value.
    private static readonly (string Field, object? Value)[] Fixed =
    [
        ("act_fn", "silu"),
        ("attention_type", "default"),
        ("center_input_sample", false),
        ("class_embed_type", null),
        ("class_embeddings_concat", false),
        ("conv_in_kernel", 3.0),
        ("conv_out_kernel", 3.0),
        ("cross_attention_norm", null),
        ("downsample_padding", 1.0),
        ("dual_cross_attention", false),
        ("encoder_hid_dim", null),
        ("encoder_hid_dim_type", null),
        ("mid_block_only_cross_attention", false),
        ("mid_block_scale_factor", 1.0),
        ("num_class_embeds", null),
        ("only_cross_attention", false),
        ("quantization_config", null),
        ("resnet_out_scale_factor", 1.0),
        ("resnet_skip_time_act", false),
        ("resnet_time_scale_shift", "default"),
        ("reverse_transformer_layers_per_block", null),
        ("time_embedding_act_fn", null),
        ("time_embedding_dim", null),
        ("time_embedding_type", "positional"),
        ("timestep_post_act", null),
    ];

    /// <summary>Number of input channels (4 for latents; 9 for inpainting models).</summary>
    public required int InChannels { get; init; }

    /// <summary>Number of output channels.</summary>
    public required int OutChannels { get; init; }

    /// <summary>The resolution levels, from the finest to the coarsest.</summary>
    public required IReadOnlyList<UNetLevel> Levels { get; init; }

    /// <summary>Residual blocks per level of the contracting half; the expanding half has one more.</summary>
    public required int LayersPerBlock { get; init; }

    /// <summary>Width of the text encoder's output.</summary>
    public required int CrossAttentionDim { get; init; }

    /// <summary>Number of groups of all group normalizations.</summary>
    public required int NormGroups { get; init; }

    /// <summary>ε of the residual blocks' group normalizations.</summary>
    public required double NormEpsilon { get; init; }

    /// <summary>Whether the transformers' projections are stored as linear maps instead of 1×1 convolutions.</summary>
    public required bool LinearProjection { get; init; }

    /// <summary>Whether cosines precede sines in the timestep embedding.</summary>
    public required bool CosineFirst { get; init; }

    /// <summary>Frequency shift of the timestep embedding.</summary>
    public required double FrequencyShift { get; init; }

    /// <summary>Side of the latents used in training.</summary>
    public required int SampleSize { get; init; }

    /// <summary>Whether there is a block between the two halves; some distilled models have none.</summary>
    public bool HasMidBlock { get; init; } = true;

    /// <summary>The added conditioning; null for models without it.</summary>
    public AddedConditioningConfig? Vector { get; init; }

    /// <summary>Width of the guidance embedding, for models that were distilled to take guidance as an input; null for others.</summary>
    public int? GuidanceWidth { get; init; }

    /// <summary>Widths of all cross-attention layers together: so many numbers are the keys of one token.</summary>
    public int CrossAttentionWidths => Levels.Sum(level => Width(level, (level.DownAttention ? LayersPerBlock : 0) + (level.UpAttention ? LayersPerBlock + 1 : 0)))
        + (HasMidBlock ? Width(Levels[^1], 1) : 0);

    /// <summary>Number of transformer blocks, each with a self- and a cross-attention layer.</summary>
    public int TransformerBlocks => Levels.Sum(level => level.TransformerDepth * ((level.DownAttention ? LayersPerBlock : 0) + (level.UpAttention ? LayersPerBlock + 1 : 0)))
        + (HasMidBlock ? Levels[^1].TransformerDepth : 0);

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or describes another type of U-Net.</exception>
    public static UNetConfig FromFile(string path) => FromJson(JsonConfig.Read(path));

    internal static UNetConfig FromJson(JsonConfig json)
    {
        var channels = json.Sizes("block_out_channels");
        var down = json.Strings("down_block_types");
        var up = json.Strings("up_block_types");
        if (down.Count != channels.Count || up.Count != channels.Count)
            throw json.Error("block_out_channels", "has a different number of levels than down_block_types or up_block_types");

        json.Expect("_class_name", "UNet2DConditionModel");
        foreach (var (field, value) in Fixed)
            json.Expect(field, value);
        if (json.IsNull("norm_num_groups"))
            throw json.Error("norm_num_groups", "is null, which removes the last normalization; this is not supported");
        // Published configs store the number of heads in "attention_head_dim"; the later, correctly named field has precedence.
        var heads = json.PerLevel(json.Has("num_attention_heads") ? "num_attention_heads" : "attention_head_dim", channels.Count, 8);
        var depths = json.PerLevel("transformer_layers_per_block", channels.Count, 1);
        var config = new UNetConfig
        {
            InChannels = json.Size("in_channels", 4),
            OutChannels = json.Size("out_channels", 4),
            Levels = [.. channels.Select((c, i) => new UNetLevel(
                c, heads[i], HasAttention(json, down[i], "Down"), HasAttention(json, up[channels.Count - 1 - i], "Up"), depths[i]))],
            LayersPerBlock = json.Size("layers_per_block", 2, JsonConfig.MaxLayers),
            CrossAttentionDim = json.Size("cross_attention_dim", 1280),
            NormGroups = json.Size("norm_num_groups", 32),
            NormEpsilon = json.Positive("norm_eps", 1e-5),
            LinearProjection = json.Flag("use_linear_projection", false),
            CosineFirst = json.Flag("flip_sin_to_cos", true),
            FrequencyShift = json.Number("freq_shift", 0),
            SampleSize = json.Size("sample_size", 64),
            HasMidBlock = !json.IsNull(MidField),
            Vector = ReadVector(json),
            GuidanceWidth = json.Has(GuidanceField) ? json.Size(GuidanceField) : null,
        };
        if (config.HasMidBlock)
            json.Expect(MidField, "UNetMidBlock2DCrossAttn");
        json.NoteUnknown(Harmless);
        if (config.Levels.FirstOrDefault(level => level.Channels % config.NormGroups != 0) is { } uneven)
            throw json.Error("norm_num_groups", $"is {config.NormGroups}, which does not divide the {uneven.Channels} channels of a level");
        return config.Levels.FirstOrDefault(level => (level.DownAttention || level.UpAttention) && level.Channels % level.Heads != 0) is not { } split ? config
            : throw json.Error("attention_head_dim", $"has {split.Heads} heads for a level of {split.Channels} channels, which they do not divide");
    }

    /// <summary>A <c>config.json</c> that reads back as this config.</summary>
    internal JsonObject ToJson()
    {
        var json = Unconditioned();
        if (!HasMidBlock)
            json[MidField] = null;
        if (GuidanceWidth is not null)
            json[GuidanceField] = GuidanceWidth;
        if (Vector is null)
            return json;
        json[AdditionType] = TextAndSizes;
        json["addition_time_embed_dim"] = Vector.SizeWidth;
        json["projection_class_embeddings_input_dim"] = Vector.Width;
        return json;
    }

    private JsonObject Unconditioned() => new()
    {
        ["_class_name"] = "UNet2DConditionModel",
        ["act_fn"] = "silu",
        ["in_channels"] = InChannels,
        ["out_channels"] = OutChannels,
        ["block_out_channels"] = JsonConfig.Array(Levels.Select(level => level.Channels)),
        ["attention_head_dim"] = JsonConfig.Array(Levels.Select(level => level.Heads)),
        ["down_block_types"] = JsonConfig.Array(Levels.Select(level => level.DownAttention ? "CrossAttnDownBlock2D" : "DownBlock2D")),
        ["up_block_types"] = JsonConfig.Array(Levels.Reverse().Select(level => level.UpAttention ? "CrossAttnUpBlock2D" : "UpBlock2D")),
        ["transformer_layers_per_block"] = JsonConfig.Array(Levels.Select(level => level.TransformerDepth)),
        ["layers_per_block"] = LayersPerBlock,
        ["cross_attention_dim"] = CrossAttentionDim,
        ["norm_num_groups"] = NormGroups,
        ["norm_eps"] = NormEpsilon,
        ["use_linear_projection"] = LinearProjection,
        ["flip_sin_to_cos"] = CosineFirst,
        ["freq_shift"] = FrequencyShift,
        ["sample_size"] = SampleSize,
    };

    private static AddedConditioningConfig? ReadVector(JsonConfig json)
    {
        if (!json.Has(AdditionType))
            return null;
        json.Expect(AdditionType, TextAndSizes);
        return new AddedConditioningConfig(json.Size("projection_class_embeddings_input_dim"), json.Size("addition_time_embed_dim"));
    }

    private static int Width(UNetLevel level, int transformers) => transformers * level.TransformerDepth * level.Channels;

    private static bool HasAttention(JsonConfig json, string type, string half)
    {
        if (type == $"CrossAttn{half}Block2D")
            return true;
        if (type == $"{half}Block2D")
            return false;
        throw json.Error($"{half.ToLowerInvariant()}_block_types", $"names \"{type}\", which is not a block of Stable Diffusion");
    }
}
