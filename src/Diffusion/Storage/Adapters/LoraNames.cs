using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>A weight of a model.</summary>
/// <param name="Part">The part's name.</param>
/// <param name="Name">The weight's name within the part.</param>
internal readonly record struct WeightName(string Part, string Name);

/// <summary>
/// The names that LoRA tools use for a model's weights. There are two styles: dotted, as in a model directory, and kohya's, where the
/// dots became underscores. The latter is ambiguous, so all names of the model are generated in that style and looked up.
/// </summary>
internal sealed class LoraNames
{
    /// <summary>Prefix of peft's names.</summary>
    public const string PeftPrefix = "base_model.model.";

    private const string Weight = ".weight", Bias = ".bias";
    private const string FirstOfOutput = ".to_out.0";
    private const string OldProcessor = ".processor";

    // Names of text encoder attention in the oldest diffusers files, with their current names.
    private static readonly (string Old, string New)[] OldTextNames =
        [(".to_q", ".q_proj"), (".to_k", ".k_proj"), (".to_v", ".v_proj"), (".to_out", ".out_proj")];

    private readonly Dictionary<string, WeightName> byAlias = new(StringComparer.Ordinal);

    /// <param name="shape">The model's config.</param>
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

    /// <summary>The weight that a file's name refers to; null if the model has no such weight.</summary>
    public WeightName? Find(string module)
    {
        var name = module.Replace(OldProcessor, "", StringComparison.Ordinal);
        if (name.StartsWith(PeftPrefix, StringComparison.Ordinal))
            name = name[PeftPrefix.Length..];
        return byAlias.TryGetValue(name, out var found) ? found : null;
    }

    /// <summary>Name of the bias that belongs to a weight.</summary>
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
        // kohya's scripts number the encoders if there are two.
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
