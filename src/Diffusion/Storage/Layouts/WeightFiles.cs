namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>
/// Finds the weights of a part in its directory: default or a variant such as <c>fp16</c>, in one file or in several with an index.
/// </summary>
internal static class WeightFiles
{
    private const string Extension = ".safetensors";

    // File names of the two libraries. Pickled files are used only if there are no others.
    private static readonly string[] Stems = ["diffusion_pytorch_model", "model"];
    private static readonly string[] Pickled = ["diffusion_pytorch_model.bin", "pytorch_model.bin"];

    /// <summary>The file to open: the weights, or the index of several files.</summary>
    /// <param name="folder">The part's directory.</param>
    /// <param name="variant">The variant; null prefers the default weights, else takes the only variant.</param>
    /// <exception cref="InvalidInputException">There are no such weights, or several variants to choose from.</exception>
    public static string Find(string folder, string? variant) =>
        Path.Combine(folder, Choose(folder, [.. Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)!)], variant));

    /// <summary>Chooses among file names, like <see cref="Find"/>, without a local directory.</summary>
    /// <param name="folder">The directory's name in errors.</param>
    /// <param name="names">The files in it.</param>
    /// <param name="variant">See <see cref="Find"/>.</param>
    /// <exception cref="InvalidInputException">See <see cref="Find"/>.</exception>
    public static string Choose(string folder, IReadOnlyCollection<string> names, string? variant)
    {
        var variants = Variants(names);
        if (variant is not null)
        {
            return Existing(names, variant) ?? throw new InvalidInputException(
                nameof(ModelLoadOptions.Variant),
                $"{folder} has no weights for the variant {variant}.",
                variants.Count > 0 ? $"Use {InvalidInputException.AnyOf(variants)}." : "It has no variants: leave it out.");
        }

        var found = Existing(names, null) ?? (variants.Count == 1 ? Existing(names, variants[0]) : null);
        if (found is null && variants.Count > 1)
            throw new InvalidInputException(nameof(ModelLoadOptions.Variant), $"{folder} has only variants of the weights.", $"Use {InvalidInputException.AnyOf(variants)}.");
        return found
            ?? Pickled.FirstOrDefault(names.Contains)
            ?? throw new InvalidInputException(
                $"{folder} contains no weights ({string.Join(" or ", Stems.Select(stem => stem + Extension))}). The model is incomplete; download it again.");
    }

    private static string? Existing(IReadOnlyCollection<string> names, string? variant) =>
        Stems.SelectMany(stem => Names(stem, variant)).FirstOrDefault(names.Contains);

    private static string[] Names(string stem, string? variant) => variant is null
        ? [$"{stem}{Extension}", $"{stem}{Extension}.index.json"]
        : [$"{stem}.{variant}{Extension}", $"{stem}{Extension}.index.{variant}.json", $"{stem}.{variant}{Extension}.index.json"];

    private static List<string> Variants(IReadOnlyCollection<string> names)
    {
        var marks = names.SelectMany(name => Stems.SelectMany(stem => new[]
        {
            Between(name, $"{stem}.", Extension),
            Between(name, $"{stem}{Extension}.index.", ".json"),
            Between(name, $"{stem}.", $"{Extension}.index.json"),
        }));
        return [.. marks.OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>The part of a name between two ends; null if it is empty, or not a single word like that of a variant.</summary>
    private static string? Between(string name, string start, string end)
    {
        if (!name.StartsWith(start, StringComparison.Ordinal) || !name.EndsWith(end, StringComparison.Ordinal) || name.Length <= start.Length + end.Length)
            return null;
        var middle = name[start.Length..^end.Length];
        // "model.fp16-00001-of-00002.safetensors" is a shard of a variant, not a variant.
        return middle.Contains('.') || middle.Contains("-of-", StringComparison.Ordinal) ? null : middle;
    }
}
