using System.Text;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>
/// peft's settings of an adapter: in a separate <c>adapter_config.json</c> or, written by diffusers, in the metadata of the file, as one
/// JSON object whose names are prefixed with the part's name.
/// </summary>
internal sealed class LoraNotes
{
    /// <summary>The metadata key of diffusers' settings.</summary>
    public const string NoteName = "lora_adapter_metadata";
    private const char Start = '^';
    private static readonly string[] Parts = [.. ModelParts.TextEncoders, ModelParts.UNet];

    // Settings that change the computation, with the only supported value.
    private static readonly (string Field, object? Value)[] Fixed =
    [
        ("bias", "none"),
        ("fan_in_fan_out", false),
        ("lora_bias", false),
        ("use_qalora", false),
    ];

    // Lists and objects that change the computation, which must be empty.
    private static readonly string[] Empty =
    [
        "modules_to_save", "layer_replication", "trainable_token_indices", "alora_invocation_tokens", "target_parameters", "megatron_config", "arrow_config",
    ];

    // The file itself defines which layers it changes; these settings concern training and the adapter's origin.
    private static readonly HashSet<string> Harmless =
    [
        "auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "task_type", "peft_version", "runtime_config",
        "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern",
        "lora_dropout", "rank_dropout", "module_dropout", "rank_dropout_scale", "init_weights", "megatron_core", "qalora_group_size",
        "loftq_config", "eva_config", "corda_config", "lora_ga_config", "ensure_weight_tying",
        "decompose_both", "decompose_factor", "use_effective_conv2d", // evident from the shapes
    ];

    private readonly Dictionary<string, Part> parts = [];
    private readonly List<string> said = [];

    /// <param name="path">The file's name in errors.</param>
    /// <param name="metadata">The file's metadata.</param>
    /// <param name="adapterConfig">The file's <c>adapter_config.json</c>; null if there is none.</param>
    /// <exception cref="InvalidInputException">The settings cannot be read, or are not supported.</exception>
    public LoraNotes(string path, IReadOnlyDictionary<string, string> metadata, string? adapterConfig)
    {
        if (adapterConfig is not null)
        {
            var config = JsonConfig.Read(adapterConfig);
            var settings = Part.Read(config, "");
            config.NoteUnknown(Harmless);
            said.AddRange(config.Notes);
            foreach (var part in Parts)
                parts.Add(part, settings);
        }
        else if (metadata.TryGetValue(NoteName, out var text))
        {
            var notes = JsonConfig.Parse($"{path} (note {NoteName})", Encoding.UTF8.GetBytes(text));
            foreach (var part in Parts)
                parts.Add(part, Part.Read(notes, part + "."));
            notes.NoteUnknown(Parts.SelectMany(part => Harmless.Select(field => $"{part}.{field}")).ToHashSet(StringComparer.Ordinal));
            said.AddRange(notes.Notes);
        }
    }

    /// <summary>Warnings for the user; usually empty.</summary>
    public IReadOnlyList<string> Said => said;

    /// <summary>The scale of a change.</summary>
    /// <param name="weight">The changed weight.</param>
    /// <param name="rank">The rank of the change.</param>
    /// <param name="own">The change's own alpha; null if it has none.</param>
    public double Scale(WeightName weight, double rank, double? own)
    {
        var part = parts.GetValueOrDefault(weight.Part);
        return (own ?? part?.AlphaOf(weight.Name) ?? rank) / (part?.IsRankStabilised == true ? Math.Sqrt(rank) : rank);
    }

    /// <summary>The rank of a change by the settings; null if they do not specify it.</summary>
    public double? RankOf(WeightName weight) => parts.GetValueOrDefault(weight.Part)?.RankOf(weight.Name);

    /// <summary>Rejects a change that does not match the settings.</summary>
    /// <param name="weight">The changed weight.</param>
    /// <param name="rank">The rank of the change; null if it has none.</param>
    /// <param name="magnitude">The norms after the change; null if there are none.</param>
    /// <exception cref="InvalidInputException">The rank differs, or the required magnitudes are missing.</exception>
    public void RequireFits(WeightName weight, long? rank, LoraMagnitude? magnitude) => parts.GetValueOrDefault(weight.Part)?.RequireFits(weight.Name, rank, magnitude);

    /// <param name="Config">The JSON object with the settings.</param>
    /// <param name="Prefix">Prefix of their names.</param>
    /// <param name="Alpha">Default alpha; null for the rank.</param>
    /// <param name="Exceptions">Alpha of individual layers, by the end of their names.</param>
    /// <param name="Rank">Default rank; null if it is not specified, or not a single number.</param>
    /// <param name="RankExceptions">Rank of individual layers, by the end of their names.</param>
    /// <param name="IsRankStabilised">Whether the change is divided by the square root of the rank (Kalajdzievski, arXiv
    /// 2312.03732).</param>
    /// <param name="HasMagnitudes">Whether the weights have norms after the change (DoRA).</param>
    private sealed record Part(
        JsonConfig Config, string Prefix, double? Alpha, IReadOnlyList<KeyValuePair<string, double>> Exceptions,
        double? Rank, IReadOnlyList<KeyValuePair<string, double>> RankExceptions, bool IsRankStabilised, bool HasMagnitudes)
    {
        public static Part Read(JsonConfig notes, string prefix)
        {
            var kind = notes.Has(prefix + "peft_type") ? notes.Text(prefix + "peft_type") : "LORA";
            if (kind is not ("LORA" or "LOHA" or "LOKR"))
                throw notes.Error(prefix + "peft_type", $"is \"{kind}\"; only LORA, LOHA and LOKR are supported");
            foreach (var (field, value) in Fixed)
                notes.Expect(prefix + field, value);
            foreach (var field in Empty)
                notes.ExpectEmpty(prefix + field);
            // The other values also change the model's own weights, by data that is not in the file.
            var initial = prefix + "init_lora_weights";
            if (notes.Has(initial) && notes.Raw(initial).Trim('"') is not ("true" or "false" or "gaussian" or "orthogonal" or "eva"))
                throw notes.Error(initial, $"is {notes.Raw(initial)}: such an adapter belongs to a model whose own weights were changed; convert it to a plain LoRA with peft");
            // Only a LoRA uses the full name in peft.
            var alpha = kind == "LORA" || notes.Has(prefix + "lora_alpha") ? "lora_alpha" : "alpha";
            return new(
                notes,
                prefix,
                notes.Has(prefix + alpha) ? notes.Number(prefix + alpha) : null,
                Plain(notes, prefix + "alpha_pattern"),
                RankIn(notes, prefix + "r"),
                [.. Plain(notes, prefix + "rank_pattern").Select(exception => exception.Value > 0 ? exception : throw notes.Error(prefix + "rank_pattern", "has a rank that is not a positive number"))],
                notes.Flag(prefix + "use_rslora", false),
                notes.Flag(prefix + "use_dora", false));
        }

        public double? AlphaOf(string weight) => Exception(Exceptions, weight) ?? Alpha;

        public double? RankOf(string weight) => Exception(RankExceptions, weight) ?? Rank;

        public void RequireFits(string weight, long? rank, LoraMagnitude? magnitude)
        {
            if (HasMagnitudes && magnitude is null)
                throw Config.Error(Prefix + "use_dora", $"is true, but the file has no magnitudes for {weight}; save the adapter again with all its tensors");
            var exception = Exception(RankExceptions, weight);
            if ((exception ?? Rank) is { } said && rank is not null && said != rank)
                throw Config.Error(Prefix + (exception is null ? "r" : "rank_pattern"), FormattableString.Invariant($"says {said} for {weight}, but the change has the rank {rank}; the file and its settings belong to different adapters"));
        }

        private static double? RankIn(JsonConfig notes, string field)
        {
            if (!notes.Has(field))
                return null;
            var rank = notes.Number(field);
            return rank > 0 ? rank : throw notes.Error(field, "is not a positive number");
        }

        private static double? Exception(IReadOnlyList<KeyValuePair<string, double>> exceptions, string weight)
        {
            var module = $".{weight[..weight.LastIndexOf('.')]}";
            var found = exceptions.Where(exception => exception.Key[0] == Start ? module == $".{exception.Key[1..]}" : module.EndsWith($".{exception.Key}", StringComparison.Ordinal)).ToList();
            return found.Count > 0 ? found[0].Value : null;
        }

        // These are regular expressions for the end of a name; in practice they are plain names, sometimes anchored at the start.
        private static IReadOnlyList<KeyValuePair<string, double>> Plain(JsonConfig notes, string field)
        {
            if (!notes.Has(field))
                return [];
            var exceptions = notes.NumbersByName(field);
            var strange = exceptions.Select(exception => exception.Key).FirstOrDefault(key => key is "" or "^" || !key.Skip(key[0] == Start ? 1 : 0).All(IsOfName));
            return strange is null ? exceptions : throw notes.Error(field, $"has \"{strange}\", which is not the name of a layer");
        }

        private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
    }
}
