using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>
/// The names of one part in both layouts. A row covers a tensor and everything below it; if several rows match a name, the longest wins.
/// </summary>
internal sealed class KeyTable
{
    private readonly ILookup<string, KeyRow> byOriginal;
    private readonly ILookup<string, KeyRow> byDiffusers;

    /// <param name="prefix">Prefix of all original names.</param>
    /// <param name="rows">The rows, without that prefix. If several rows have the same diffusers name, the first is used for
    /// writing.</param>
    public KeyTable(string prefix, IEnumerable<KeyRow> rows)
    {
        Prefix = prefix;
        var all = rows.Select(row => row with { Original = $"{prefix}{row.Original}" }).ToList();
        byOriginal = all.ToLookup(row => row.Original, StringComparer.Ordinal);
        byDiffusers = all.ToLookup(row => row.Diffusers, StringComparer.Ordinal);
    }

    /// <summary>Prefix of all original names of the part.</summary>
    public string Prefix { get; }

    /// <summary>The diffusers names of an original one: none, one, or three for fused queries, keys and values.</summary>
    public IEnumerable<KeyRow> ToDiffusers(string original)
    {
        foreach (var length in Lengths(original))
        {
            var rows = byOriginal[original[..length]];
            if (rows.Any())
                return rows.Select(row => row with { Original = original, Diffusers = row.Diffusers + original[length..] });
        }

        return [];
    }

    /// <summary>Converts tensors to their diffusers names; also returns the unknown names.</summary>
    public (IReadOnlyDictionary<string, StoredWeight> Tensors, IReadOnlyList<string> Unknown) Convert(IEnumerable<KeyValuePair<string, StoredWeight>> originals)
    {
        var tensors = new Dictionary<string, StoredWeight>(StringComparer.Ordinal);
        var unknown = new List<string>();
        foreach (var (name, stored) in originals)
        {
            var rows = ToDiffusers(name).ToList();
            // Two original names of one tensor, for example if a tool wrote a file in both naming styles: neither can be trusted.
            if (rows.Count == 0 || !rows.TrueForAll(row => tensors.TryAdd(row.Diffusers, KeyConversion.FromOriginal(row, stored))))
                unknown.Add(name);
        }

        return (tensors, [.. unknown.Order(StringComparer.Ordinal)]);
    }

    /// <summary>The original name of a diffusers name; null if it has none.</summary>
    public KeyRow? ToOriginal(string diffusers)
    {
        foreach (var length in Lengths(diffusers))
        {
            if (byDiffusers[diffusers[..length]].FirstOrDefault() is { } row)
                return row with { Original = row.Original + diffusers[length..], Diffusers = diffusers };
        }

        return null;
    }

    /// <summary>The possible prefix lengths of a name: the whole name, then up to each dot, from the last to the first.</summary>
    private static IEnumerable<int> Lengths(string name)
    {
        for (var length = name.Length; length > 0; length = name.LastIndexOf('.', length - 1))
            yield return length;
    }
}
