using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PromptToPrompt.Diffusion.Storage.Files;

/// <summary>A model part's JSON config, read with errors that name the file and the field.</summary>
internal sealed partial class JsonConfig
{
    /// <summary>Bound of widths, vocabularies and the like; those of published models are below 50 000.</summary>
    public const int MaxSize = 1 << 20;

    /// <summary>Bound of numbers of layers, blocks and heads.</summary>
    public const int MaxLayers = 1024;

    /// <summary>Fields that say where a config comes from.</summary>
    public static readonly string[] Bookkeeping =
        ["_class_name", "_diffusers_version", "_name_or_path", "_commit_hash", "_use_default_values", "name_or_path", "transformers_version"];

    private const int MaxLevels = 16;
    private readonly string path;
    private readonly JsonElement root;
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);
    private readonly List<string> notes = [];

    private JsonConfig(string path, JsonElement root)
    {
        this.path = path;
        this.root = root;
    }

    /// <summary>Warnings for the user: what in the config is not understood; usually empty.</summary>
    public IReadOnlyList<string> Notes => notes;

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
    /// <param name="json">Its text, in UTF-8 or with the byte-order mark of UTF-16.</param>
    public static JsonConfig Parse(string path, ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(QuoteInfinities(TextFile.ToUtf8(json)));
            // No config has an error; a server's answer that was saved under a config's name has.
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("error", out _)
                && FileSignature.MessageOf(document.RootElement) is { } message)
                throw new InvalidInputException($"{path} is a server's answer, \"{message.ReplaceLineEndings(" ")}\", and no config; download the model again.");
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return new JsonConfig(path, document.RootElement.Clone());
        }
        // The second is how UTF-16 text says that it is cut off.
        catch (Exception error) when (error is JsonException or DecoderFallbackException)
        {
            if (FileSignature.Of(json.Span) is { } other && other.Format != FileFormat.Json)
                throw new InvalidInputException($"{path} is {other.Description}, not JSON; {other.Advice}.", error);
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

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string field)
    {
        asked.Add(field);
        return root.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>Whether a field is there and null.</summary>
    public bool IsNull(string field)
    {
        asked.Add(field);
        return root.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Null;
    }

    /// <summary>Notes every field that nobody asked for: what is not understood is never passed over in silence.</summary>
    /// <param name="harmless">Fields that change nothing of what is computed here.</param>
    public void NoteUnknown(IReadOnlySet<string> harmless)
    {
        foreach (var field in root.EnumerateObject().Where(field => !asked.Contains(field.Name) && !harmless.Contains(field.Name)))
            Note(field.Name, $"is {Shown(field.Value)}, which this program does not know; it has no effect");
    }

    /// <summary>Notes what a person should know of a field.</summary>
    public void Note(string field, string what) => notes.Add(Error(field, what).Message.TrimEnd('.'));

    /// <summary>A field's value as it is written.</summary>
    public string Raw(string field) => root.GetProperty(field).GetRawText();

    public int Integer(string field, int? fallback = null)
        => Get(field, fallback, v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out var n) ? n : null, "must be an integer");

    /// <summary>A whole number that says how many or how wide: from 1 to a bound, so that a damaged file cannot ask for all there is.</summary>
    public int Size(string field, int? fallback = null, int most = MaxSize)
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
    {
        if (!Has(field))
            return Fallback(field, fallback) ?? throw Error(field, "must be a text");
        var value = root.GetProperty(field);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Error(field, $"is {Shown(value)}; it must be a text");
    }

    /// <summary>A list of sizes, as <see cref="Size"/> takes them: one for each level of a network.</summary>
    public IReadOnlyList<int> Sizes(string field)
    {
        var sizes = Integers(field);
        return sizes.Count is >= 1 and <= MaxLevels && sizes.All(size => size is >= 1 and <= MaxSize) ? sizes
            : throw Error(field, $"must have 1 to {MaxLevels} numbers from 1 to {MaxSize}");
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
            return [.. Enumerable.Repeat(Size(field, fallback, MaxLayers), levels)];
        var list = Integers(field);
        if (!list.All(size => size is >= 1 and <= MaxLayers))
            throw Error(field, $"must have numbers from 1 to {MaxLayers}");
        return list.Count == levels ? list : throw Error(field, $"must have one number for each of the {levels} levels");
    }

    /// <summary>Refuses a field whose value, where it is given, is not the one this implementation computes with.</summary>
    public void Expect(string field, object? value)
    {
        if (!Has(field))
        {
            Fallback(field, value);
            return;
        }

        var given = root.GetProperty(field);
        var matches = value switch
        {
            string text => given.ValueKind == JsonValueKind.String && given.GetString() == text,
            bool flag => given.ValueKind == (flag ? JsonValueKind.True : JsonValueKind.False),
            double number => given.ValueKind == JsonValueKind.Number && given.GetDouble() == number,
            _ => false,
        };
        if (!matches)
            throw Error(field, $"is {Shown(given)}, which this program does not support");
    }

    // A default that a config asks for by null is said, as it may have meant to leave something out; false and 0 are no more than that.
    private T? Fallback<T>(string field, T? fallback)
    {
        if (IsNull(field) && fallback is not (null or false or 0.0))
            Note(field, $"is null; {(fallback is true ? "true" : fallback)} is used");
        return fallback;
    }

    private static string Shown(JsonElement value) => value.GetRawText() is var text && text.Length <= 60 ? text.ReplaceLineEndings(" ") : $"{text[..57].ReplaceLineEndings(" ")}…";

    // Python writes infinities and NaN as JSON does not allow; schedulers' configs have them.
    private static ReadOnlyMemory<byte> QuoteInfinities(ReadOnlyMemory<byte> json)
    {
        if (json.Span.IndexOf("Infinity"u8) < 0 && json.Span.IndexOf("NaN"u8) < 0)
            return json;
        return Encoding.UTF8.GetBytes(BareNumber().Replace(Encoding.UTF8.GetString(json.Span), match => match.Groups[1].Success ? $"\"{match.Value}\"" : match.Value));
    }

    [GeneratedRegex("""\"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)""", RegexOptions.CultureInvariant)]
    private static partial Regex BareNumber();

    /// <summary>Refuses a field that holds anything: a list or an object of what is not supported.</summary>
    public void ExpectEmpty(string field)
    {
        if (!Has(field))
            return;
        var given = root.GetProperty(field);
        if (given.GetRawText().Any(character => character is not ('[' or ']' or '{' or '}' or '"') && !char.IsWhiteSpace(character)))
            throw Error(field, $"is {Shown(given)}, which this program does not support");
    }

    private T Get<T>(string field, T? fallback, Func<JsonElement, T?> parse, string expected)
        where T : struct
    {
        if (!Has(field))
            return Fallback(field, fallback) ?? throw Error(field, "is missing");
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
