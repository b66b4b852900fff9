using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>A weight of a model.</summary>
/// <param name="Part">The part's name.</param>
/// <param name="Name">The weight's name in it.</param>
internal readonly record struct WeightName(string Part, string Name);

/// <summary>
/// What the tools that make LoRAs call a model's weights. Two spellings are in use: dotted, as in a model directory, and kohya's, where the dots
/// became underscores and nobody can tell them apart any more; so the names of the model are spelled out and looked up.
/// </summary>
internal sealed class LoraNames
{
    /// <summary>What peft's own names begin with.</summary>
    public const string PeftPrefix = "base_model.model.";

    private const string Weight = ".weight", Bias = ".bias";
    private const string FirstOfOutput = ".to_out.0";
    private const string OldProcessor = ".processor";

    // Attention of text encoders in the oldest files of diffusers, and its names since.
    private static readonly (string Old, string New)[] OldTextNames =
        [(".to_q", ".q_proj"), (".to_k", ".k_proj"), (".to_v", ".v_proj"), (".to_out", ".out_proj")];

    private readonly Dictionary<string, WeightName> byAlias = new(StringComparer.Ordinal);

    /// <param name="shape">The model's shape.</param>
    /// <param name="weights">The names of all weights of a part.</param>
    public LoraNames(ModelConfig shape, Func<string, IEnumerable<string>> weights)
    {
        var original = SingleFileLayout.Of(shape).Tables[ModelParts.UNet];
        foreach (var part in ModelParts.Of(shape).Where(part => part != ModelParts.Vae))
        {
            foreach (var name in weights(part).Where(name => name.EndsWith(Weight, StringComparison.Ordinal)))
            {
                foreach (var alias in part == ModelParts.UNet ? UNetAliases(name[..^Weight.Length], original) : TextAliases(part, name[..^Weight.Length]))
                    byAlias.TryAdd(alias, new WeightName(part, name));
            }
        }
    }

    /// <summary>The weight that a file means, or null where the model has none of that name.</summary>
    public WeightName? Find(string module)
    {
        var name = module.Replace(OldProcessor, "", StringComparison.Ordinal);
        if (name.StartsWith(PeftPrefix, StringComparison.Ordinal))
            name = name[PeftPrefix.Length..];
        return byAlias.TryGetValue(name, out var found) ? found : null;
    }

    /// <summary>The bias beside a weight.</summary>
    public static string BiasOf(string weight) => weight[..^Weight.Length] + Bias;

    private static IEnumerable<string> UNetAliases(string module, KeyTable original)
    {
        yield return module;
        yield return $"unet.{module}";
        yield return $"lora_unet_{Flat(module)}";
        yield return $"lycoris_{Flat(module)}";
        if (module.EndsWith(FirstOfOutput, StringComparison.Ordinal))
        {
            yield return module[..^2];
            yield return $"unet.{module[..^2]}";
        }

        if (original.ToOriginal(module) is not { } row)
            yield break;
        var name = row.Original[original.Prefix.Length..];
        yield return $"lora_unet_{Flat(name)}";
        yield return $"diffusion_model.{name}";
    }

    private static IEnumerable<string> TextAliases(string part, string module)
    {
        yield return $"{part}.{module}";
        // kohya's scripts number the encoders where there are two.
        yield return $"lora_te{(part == ModelParts.TextEncoder ? "1" : "2")}_{Flat(module)}";
        if (part == ModelParts.TextEncoder)
        {
            yield return module;
            yield return $"lora_te_{Flat(module)}";
        }

        foreach (var (old, now) in OldTextNames.Where(pair => module.EndsWith(pair.New, StringComparison.Ordinal)))
            yield return $"{part}.{module[..^now.Length]}{old}";
    }

    private static string Flat(string name) => name.Replace('.', '_');
}
