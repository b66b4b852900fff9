namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>Finds the weights of a part in its folder: plain, of a variant such as <c>fp16</c>, in one file or in several with an index.</summary>
internal static class WeightFiles
{
    private const string Extension = ".safetensors";

    // Names that the writers of the two libraries use. The pickled ones are read only where there is nothing else.
    private static readonly string[] Stems = ["diffusion_pytorch_model", "model"];
    private static readonly string[] Pickled = ["diffusion_pytorch_model.bin", "pytorch_model.bin"];

    /// <summary>The file to open: weights, or the index of several.</summary>
    /// <param name="folder">The part's folder.</param>
    /// <param name="variant">The variant asked for; null prefers the plain weights and takes the only variant where there are none.</param>
    /// <exception cref="InvalidInputException">There are no such weights, or several variants and no way to choose.</exception>
    public static string Find(string folder, string? variant) =>
        Path.Combine(folder, Choose(folder, [.. Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)!)], variant));

    /// <summary>The same among the names of files, wherever they are.</summary>
    /// <param name="folder">What errors call the folder.</param>
    /// <param name="names">The files in it.</param>
    /// <param name="variant">As for <see cref="Find"/>.</param>
    /// <exception cref="InvalidInputException">As for <see cref="Find"/>.</exception>
    public static string Choose(string folder, IReadOnlyCollection<string> names, string? variant)
    {
        var variants = Variants(names);
        if (variant is not null)
        {
            return Existing(names, variant) ?? throw new InvalidInputException(
                nameof(ModelLoadOptions.Variant),
                $"{folder} has no weights of the variant {variant}.",
                variants.Count > 0 ? $"Use {InvalidInputException.AnyOf(variants)}." : "It has no variants: leave it out.");
        }

        var found = Existing(names, null) ?? (variants.Count == 1 ? Existing(names, variants[0]) : null);
        if (found is null && variants.Count > 1)
            throw new InvalidInputException(nameof(ModelLoadOptions.Variant), $"{folder} has only weights of variants.", $"Use {InvalidInputException.AnyOf(variants)}.");
        return found
            ?? Pickled.FirstOrDefault(names.Contains)
            ?? throw new InvalidInputException(
                $"{folder} holds no weights ({string.Join(" or ", Stems.Select(stem => stem + Extension))}); the model is incomplete, download it again.");
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

    /// <summary>What stands between two ends of a name; null where it is nothing, or more than the one word of a variant.</summary>
    private static string? Between(string name, string start, string end)
    {
        if (!name.StartsWith(start, StringComparison.Ordinal) || !name.EndsWith(end, StringComparison.Ordinal) || name.Length <= start.Length + end.Length)
            return null;
        var middle = name[start.Length..^end.Length];
        // "model.fp16-00001-of-00002.safetensors" is a shard of a variant, not a variant.
        return middle.Contains('.') || middle.Contains("-of-", StringComparison.Ordinal) ? null : middle;
    }
}
