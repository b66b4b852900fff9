using System.Text.Json;
using System.Text.Json.Nodes;

namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>A model part's JSON config, read with errors that name the file and the field.</summary>
internal sealed class JsonConfig
{
    /// <summary>Bound of widths, vocabularies and the like; those of published models are below 50 000.</summary>
    public const int LargestSize = 1 << 20;

    /// <summary>Bound of numbers of layers, blocks and heads.</summary>
    public const int MostLayers = 1024;

    private const int MostLevels = 16;
    private readonly string path;
    private readonly JsonElement root;

    private JsonConfig(string path, JsonElement root)
    {
        this.path = path;
        this.root = root;
    }

    public static JsonConfig Read(string path)
    {
        try
        {
            return Parse(path, File.ReadAllBytes(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read ({error.Message}); is this a complete model directory?", error);
        }
    }

    /// <summary>Reads a config that lies elsewhere than in a file of its own.</summary>
    /// <param name="path">What errors call it.</param>
    /// <param name="json">Its text in UTF-8.</param>
    public static JsonConfig Parse(string path, ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return new JsonConfig(path, document.RootElement.Clone());
        }
        catch (JsonException error)
        {
            throw new InvalidInputException($"{path} is not valid JSON ({error.Message.Split('.')[0]}); download the model again.", error);
        }

        throw new InvalidInputException($"{path} holds no JSON object; download the model again.");
    }

    /// <summary>The entries of a field that is an object of texts.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Texts(string field) => Entries(field, JsonValueKind.String, "text", value => value.GetString()!);

    /// <summary>The entries of a field that is an object of numbers.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> NumbersByName(string field) => Entries(field, JsonValueKind.Number, "number", value => Finite(value) ?? throw Error(field, "has a number that is infinite"));

    /// <summary>A list, for configs that are written.</summary>
    public static JsonArray Array<T>(IEnumerable<T> values) => [.. values.Select(value => (JsonNode?)JsonValue.Create(value))];

    public InvalidInputException Error(string field, string what) => new($"{path}: \"{field}\" {what}.");

    public bool Has(string field) => root.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null;

    public int Integer(string field, int? fallback = null)
        => Get(field, fallback, v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out var n) ? n : null, "must be an integer");

    /// <summary>A whole number that says how many or how wide: from 1 to a bound, so that a damaged file cannot ask for all there is.</summary>
    public int Size(string field, int? fallback = null, int most = LargestSize)
    {
        var size = Integer(field, fallback);
        return size >= 1 && size <= most ? size : throw Error(field, $"is {size}; it must be from 1 to {most}");
    }

    public double Number(string field, double? fallback = null) => Get(field, fallback, Finite, "must be a number");

    /// <summary>A number above 0.</summary>
    public double Positive(string field, double fallback)
        => Number(field, fallback) is var number and > 0 ? number : throw Error(field, "must be above 0");

    public bool Flag(string field, bool? fallback = null)
        => Get(field, fallback, v => v.ValueKind is JsonValueKind.True or JsonValueKind.False ? v.GetBoolean() : (bool?)null, "must be true or false");

    public string Text(string field, string? fallback = null)
        => root.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()!
            : fallback ?? throw Error(field, "must be a text");

    /// <summary>A list of sizes, as <see cref="Size"/> takes them: one for each level of a network.</summary>
    public IReadOnlyList<int> Sizes(string field)
    {
        var sizes = Integers(field);
        return sizes.Count is >= 1 and <= MostLevels && sizes.All(size => size is >= 1 and <= LargestSize) ? sizes
            : throw Error(field, $"must have 1 to {MostLevels} numbers from 1 to {LargestSize}");
    }

    public IReadOnlyList<int> Integers(string field) => List(field, v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out var n) ? n : (int?)null, "integers")
        .Select(n => n!.Value).ToArray();

    public IReadOnlyList<double> Numbers(string field) => List(field, Finite, "numbers")
        .Select(n => n!.Value).ToArray();

    public IReadOnlyList<string> Strings(string field) => List(field, v => v.ValueKind == JsonValueKind.String ? v.GetString() : null, "texts")
        .Select(s => s!).ToArray();

    /// <summary>A field that is one number for all levels or a list with one for each.</summary>
    public IReadOnlyList<int> PerLevel(string field, int levels, int fallback)
    {
        if (!Has(field) || root.GetProperty(field).ValueKind != JsonValueKind.Array)
            return [.. Enumerable.Repeat(Size(field, fallback, MostLayers), levels)];
        var list = Integers(field);
        if (!list.All(size => size is >= 1 and <= MostLayers))
            throw Error(field, $"must have numbers from 1 to {MostLayers}");
        return list.Count == levels ? list : throw Error(field, $"must have one number for each of the {levels} levels");
    }

    /// <summary>Refuses a field whose value, where it is given, is not the one this implementation computes with.</summary>
    public void Expect(string field, object? value)
    {
        if (!Has(field))
            return;
        var given = root.GetProperty(field);
        var matches = value switch
        {
            string text => given.ValueKind == JsonValueKind.String && given.GetString() == text,
            bool flag => given.ValueKind == (flag ? JsonValueKind.True : JsonValueKind.False),
            _ => false,
        };
        if (!matches)
            throw Error(field, $"is {given.GetRawText()}, which this program does not support");
    }

    private T Get<T>(string field, T? fallback, Func<JsonElement, T?> parse, string expected)
        where T : struct
    {
        if (!Has(field))
            return fallback ?? throw Error(field, "is missing");
        return parse(root.GetProperty(field)) ?? throw Error(field, expected);
    }

    private static double? Finite(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.GetDouble() is var number && double.IsFinite(number) ? number : null;

    private IReadOnlyList<KeyValuePair<string, T>> Entries<T>(string field, JsonValueKind kind, string expected, Func<JsonElement, T> read)
    {
        if (!Has(field) || root.GetProperty(field).ValueKind != JsonValueKind.Object)
            throw Error(field, "must be an object");
        return [.. root.GetProperty(field).EnumerateObject().Select(entry => entry.Value.ValueKind == kind
            ? KeyValuePair.Create(entry.Name, read(entry.Value))
            : throw Error(field, $"has \"{entry.Name}\", which must be a {expected}"))];
    }

    private IEnumerable<T> List<T>(string field, Func<JsonElement, T> parse, string expected)
    {
        if (!Has(field) || root.GetProperty(field).ValueKind != JsonValueKind.Array)
            throw Error(field, $"must be a list of {expected}");
        var list = root.GetProperty(field).EnumerateArray().Select(parse).ToList();
        return list.Contains(default!) && default(T) is null ? throw Error(field, $"must be a list of {expected}") : list;
    }
}
