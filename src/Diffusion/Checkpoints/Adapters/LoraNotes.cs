using System.Text;

namespace PromptToPrompt.Diffusion.Checkpoints.Adapters;

/// <summary>The settings that diffusers notes in a file: one JSON object, whose names are prefixed with the part's.</summary>
internal sealed class LoraNotes
{
    private const string Name = "lora_adapter_metadata";
    private const char Start = '^';
    private static readonly string[] Parts = [.. ModelParts.TextEncoders, ModelParts.UNet];
    private readonly Dictionary<string, Part> parts = [];

    /// <param name="path">What errors call the file.</param>
    /// <param name="metadata">The file's notes.</param>
    /// <exception cref="InvalidInputException">The settings cannot be read.</exception>
    public LoraNotes(string path, IReadOnlyDictionary<string, string> metadata)
    {
        if (!metadata.TryGetValue(Name, out var text))
            return;
        var notes = JsonConfig.Parse($"{path} (note {Name})", Encoding.UTF8.GetBytes(text));
        foreach (var part in Parts)
            parts.Add(part, Part.Read(notes, part));
    }

    /// <summary>What a change without an alpha of its own is multiplied by.</summary>
    /// <param name="weight">The weight that is changed.</param>
    /// <param name="rank">The rank of the change.</param>
    /// <param name="own">Its own alpha; null where it has none.</param>
    public double Scale(WeightName weight, long rank, double? own)
    {
        var part = parts.GetValueOrDefault(weight.Part);
        return (own ?? part?.AlphaOf(weight.Name) ?? rank) / (part?.IsRankStabilised == true ? Math.Sqrt(rank) : rank);
    }

    /// <param name="Alpha">Alpha of most layers; null for the rank.</param>
    /// <param name="Exceptions">Alpha of others, by the end of their names.</param>
    /// <param name="IsRankStabilised">Whether the change is divided by the root of the rank (Kalajdzievski, arXiv 2312.03732).</param>
    private sealed record Part(double? Alpha, IReadOnlyList<KeyValuePair<string, double>> Exceptions, bool IsRankStabilised)
    {
        public static Part Read(JsonConfig notes, string part) => new(
            notes.Has($"{part}.lora_alpha") ? notes.Number($"{part}.lora_alpha") : null,
            notes.Has($"{part}.alpha_pattern") ? Plain(notes, $"{part}.alpha_pattern") : [],
            notes.Flag($"{part}.use_rslora", false));

        public double? AlphaOf(string weight)
        {
            var module = $".{weight[..weight.LastIndexOf('.')]}";
            var found = Exceptions.Where(exception => exception.Key[0] == Start ? module == $".{exception.Key[1..]}" : module.EndsWith($".{exception.Key}", StringComparison.Ordinal)).ToList();
            return found.Count > 0 ? found[0].Value : Alpha;
        }

        // They are regular expressions for the end of a name; those that are written are names, at most held to the beginning.
        private static IReadOnlyList<KeyValuePair<string, double>> Plain(JsonConfig notes, string field)
        {
            var exceptions = notes.NumbersByName(field);
            var strange = exceptions.Select(exception => exception.Key).FirstOrDefault(key => key is "" or "^" || !key.Skip(key[0] == Start ? 1 : 0).All(IsOfName));
            return strange is null ? exceptions : throw notes.Error(field, $"has \"{strange}\", which is not the name of a layer");
        }

        private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
    }
}
