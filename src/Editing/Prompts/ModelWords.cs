using System.Text.Json;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>
/// The words that a model was trained on, from a file named <see cref="FileName"/> next to its weights. Few models have one: it is meant
/// for models whose vocabulary is so small that users need help with prompts.
/// </summary>
internal sealed record ModelWords
{
    /// <summary>File name in a model's directory.</summary>
    public const string FileName = "words.json";

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true };
    private static readonly char[] Punctuation = [.. "\".,:;!?()[]-–—…"];

    /// <summary>All words, in lower case and without punctuation.</summary>
    public required IReadOnlyList<string> Words { get; init; }

    /// <summary>Words that can replace each other, such as colors or animals.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Kinds { get; init; } = [];

    /// <summary>Words that precede a noun.</summary>
    public IReadOnlyList<string> Adjectives { get; init; } = [];

    /// <summary>Phrases that begin a prompt.</summary>
    public IReadOnlyList<string> Beginnings { get; init; } = [];

    /// <summary>Phrases that end a prompt.</summary>
    public IReadOnlyList<string> Endings { get; init; } = [];

    /// <summary>Reads the words of a model.</summary>
    /// <param name="model">The model's directory or file.</param>
    /// <returns>Null for a model without a <see cref="FileName"/>.</returns>
    /// <exception cref="InvalidInputException">The file is damaged.</exception>
    public static ModelWords? Find(string model)
    {
        var path = Path.Combine(model, FileName);
        if (!File.Exists(path))
            return null;
        using var file = File.OpenRead(path);
        return Read(file, path);
    }

    /// <summary>Reads words from a stream of JSON.</summary>
    /// <param name="json">The stream.</param>
    /// <param name="name">The stream's name in errors.</param>
    /// <exception cref="InvalidInputException">The JSON does not have the expected form.</exception>
    public static ModelWords Read(Stream json, string name)
    {
        try
        {
            return JsonSerializer.Deserialize<ModelWords>(json, Format) ?? throw new JsonException();
        }
        catch (JsonException e)
        {
            throw new InvalidInputException($"{name} is not a valid word list of a model. Restore or delete it.", e);
        }
    }

    /// <summary>Copies a model's file, if it has one, to another directory of the same model.</summary>
    public static void Copy(string model, string directory)
    {
        if (Path.Combine(model, FileName) is var path && File.Exists(path))
            File.Copy(path, Path.Combine(directory, FileName), overwrite: true);
    }

    /// <summary>The words of the same kind as a word, without the word itself; empty for a word without a kind.</summary>
    public IReadOnlyList<string> InsteadOf(string word)
    {
        var bare = Bare(word);
        return Kinds.FirstOrDefault(kind => kind.Contains(bare)) is { } kind ? [.. kind.Where(other => other != bare)] : [];
    }

    /// <summary>The distinct words of a prompt that the model was not trained on, as written.</summary>
    /// <param name="prompt">The words of the prompt, with or without punctuation.</param>
    public IReadOnlyList<string> Unknown(IEnumerable<string> prompt)
    {
        var known = Words.ToHashSet();
        return [.. prompt.Select(word => word.Trim(Punctuation)).Where(word => word.Length > 0 && !known.Contains(word.ToLowerInvariant())).Distinct()];
    }

    private static string Bare(string word) => word.Trim(Punctuation).ToLowerInvariant();
}
