using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>The config of a CLIP text encoder, from its <c>config.json</c>.</summary>
internal sealed record ClipTextConfig
{
    private const string PlainClass = "CLIPTextModel";
    private const string ProjectingClass = "CLIPTextModelWithProjection";

    // The value in old configs, which the reference library interprets as the largest id.
    private const int OldEnd = 2;

    // Fields that change the computation, with the only supported value.
    private static readonly (string Field, object? Value)[] Fixed = [("model_type", "clip_text_model"), ("text_config", null), ("quantization_config", null)];

    // Fields without effect: training options, values that come from the tokenizer, and fields that transformers writes for every model.
    private static readonly HashSet<string> Harmless =
    [
        .. JsonConfig.Bookkeeping,
        "attention_dropout", "dropout", "initializer_factor", "initializer_range", "logit_scale_init_value",
        "bos_token_id", "pad_token_id",
        "projection_dim", // without a projection
        "torch_dtype", "dtype", "use_cache", "use_bfloat16", "torchscript", "tf_legacy_loss", "attn_implementation", "_attn_implementation", "_attn_implementation_autoset",
        "return_dict", "output_attentions", "output_hidden_states", "output_scores", "return_dict_in_generate",
        "tie_word_embeddings", "tie_encoder_decoder", "is_decoder", "is_encoder_decoder", "add_cross_attention", "cross_attention_hidden_size",
        "chunk_size_feed_forward", "pruned_heads", "finetuning_task", "problem_type", "task_specific_params", "id2label", "label2id", "prefix",
        "tokenizer_class", "sep_token_id", "decoder_start_token_id",
        "max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p",
        "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences",
        "forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens",
    ];

    /// <summary>Number of token ids.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of the output.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Inner width of the feed-forward layers.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Number of transformer layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Maximum input length in tokens (77).</summary>
    public required int MaxLength { get; init; }

    /// <summary>Whether the feed-forward layers use the sigmoid approximation of GELU (SD 1.x) or the exact one (SD 2.x).</summary>
    public required bool QuickGelu { get; init; }

    /// <summary>ε of all layer normalizations.</summary>
    public required double NormEpsilon { get; init; }

    /// <summary>Width of the projected pooled output; null for models without a projection.</summary>
    public int? ProjectionSize { get; init; }

    /// <summary>Width of the pooled output.</summary>
    public int PooledSize => ProjectionSize ?? HiddenSize;

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or describes another type of text encoder.</exception>
    public static ClipTextConfig FromFile(string path) => FromJson(JsonConfig.Read(path));

    /// <summary>The model's class name in the transformers library.</summary>
    internal string ClassName => ProjectionSize is null ? PlainClass : ProjectingClass;

    internal static ClipTextConfig FromJson(JsonConfig json)
    {
        foreach (var (field, value) in Fixed)
            json.Expect(field, value);
        if (json.Has("architectures") && json.Strings("architectures").FirstOrDefault(name => name is not (PlainClass or ProjectingClass)) is { } other)
            throw json.Error("architectures", $"names \"{other}\"; only {PlainClass} and {ProjectingClass} are supported");
        var activation = json.Text("hidden_act", "quick_gelu");
        if (activation is not ("quick_gelu" or "gelu"))
            throw json.Error("hidden_act", $"is \"{activation}\"; only quick_gelu and gelu are supported");
        var config = new ClipTextConfig
        {
            VocabularySize = json.Size("vocab_size", 49408),
            HiddenSize = json.Size("hidden_size", 512),
            IntermediateSize = json.Size("intermediate_size", 2048),
            Heads = json.Size("num_attention_heads", 8, JsonConfig.MaxLayers),
            Layers = json.Size("num_hidden_layers", 12, JsonConfig.MaxLayers),
            MaxLength = json.Size("max_position_embeddings", 77),
            QuickGelu = activation == "quick_gelu",
            NormEpsilon = json.Positive("layer_norm_eps", 1e-5),
            ProjectionSize = HasProjection(json) ? json.Size("projection_dim", 512) : null,
        };
        if (json.Integer("eos_token_id", OldEnd) is var end && end != OldEnd && end != config.VocabularySize - 1)
            json.Note("eos_token_id", $"is {end}, which is not the last of {config.VocabularySize} tokens; the tokenizer's end token is used");
        json.NoteUnknown(Harmless);
        return config.HiddenSize % config.Heads == 0 ? config
            : throw json.Error("num_attention_heads", $"is {config.Heads}, which does not divide the width of {config.HiddenSize}");
    }

    /// <summary>A <c>config.json</c> that reads back as this config.</summary>
    internal JsonObject ToJson() => new()
    {
        ["architectures"] = JsonConfig.Array([ClassName]),
        ["model_type"] = "clip_text_model",
        ["vocab_size"] = VocabularySize,
        ["hidden_size"] = HiddenSize,
        ["intermediate_size"] = IntermediateSize,
        ["num_attention_heads"] = Heads,
        ["num_hidden_layers"] = Layers,
        ["max_position_embeddings"] = MaxLength,
        ["hidden_act"] = QuickGelu ? "quick_gelu" : "gelu",
        ["layer_norm_eps"] = NormEpsilon,
        ["projection_dim"] = PooledSize,
    };

    private static bool HasProjection(JsonConfig json) => json.Has("architectures") && json.Strings("architectures").Contains(ProjectingClass);
}
