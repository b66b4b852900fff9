using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PromptToPrompt.Diffusion.Storage.Files;

/// <summary>The JSON config of a model part, with errors that name the file and the field.</summary>
internal sealed partial class JsonConfig
{
    /// <summary>Maximum of widths, vocabulary sizes and the like; those of published models are below 50 000.</summary>
    public const int MaxSize = 1 << 20;

    /// <summary>Maximum number of layers, blocks and heads.</summary>
    public const int MaxLayers = 1024;

    /// <summary>Fields about a config's origin.</summary>
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

    /// <summary>Warnings for the user about unsupported entries; usually empty.</summary>
    public IReadOnlyList<string> Notes => notes;

    public static JsonConfig Read(string path)
    {
        try
        {
            return Parse(path, File.ReadAllBytes(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read ({error.Message}). Check that the model directory is complete.", error);
        }
    }

    /// <summary>Parses a config that is not a separate file.</summary>
    /// <param name="path">The config's name in errors.</param>
    /// <param name="json">Its text, in UTF-8, or in UTF-16 with a byte order mark.</param>
    public static JsonConfig Parse(string path, ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(QuoteInfinities(TextFile.ToUtf8(json)));
            // Configs have no field "error", but server responses saved under a config's name do.
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("error", out _)
                && FileSignature.MessageOf(document.RootElement) is { } message)
                throw new InvalidInputException($"{path} is a server's response, \"{message.ReplaceLineEndings(" ")}\", not a config. Download the model again.");
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return new JsonConfig(path, document.RootElement.Clone());
        }
        // The second exception occurs for truncated UTF-16 text.
        catch (Exception error) when (error is JsonException or DecoderFallbackException)
        {
            if (FileSignature.Of(json.Span) is { } other && other.Format != FileFormat.Json)
                throw new InvalidInputException($"{path} is {other.Description}, not JSON; {other.Advice}.", error);
            throw new InvalidInputException($"{path} is not valid JSON ({error.Message.Split('.')[0]}); download the model again.", error);
        }

        throw new InvalidInputException($"{path} contains no JSON object. Download the model again.");
    }

    /// <summary>The entries of a field that is an object of strings.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Texts(string field) => Entries(field, JsonValueKind.String, "text", value => value.GetString()!);

    /// <summary>The entries of a field that is an object of numbers.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> NumbersByName(string field) => Entries(field, JsonValueKind.Number, "number", value => Finite(value) ?? throw Error(field, "has a number that is infinite"));

    /// <summary>Creates a list, for writing configs.</summary>
    public static JsonArray Array<T>(IEnumerable<T> values) => [.. values.Select(value => (JsonNode?)JsonValue.Create(value))];

    public InvalidInputException Error(string field, string what) => new($"{path}: \"{field}\" {what}.");

    /// <summary>Whether a field is present and not null.</summary>
    public bool Has(string field)
    {
        asked.Add(field);
        return root.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>Whether a field is present and null.</summary>
    public bool IsNull(string field)
    {
        asked.Add(field);
        return root.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Null;
    }

    /// <summary>Adds a warning for every field that was not read, so that no unknown field is silently ignored.</summary>
    /// <param name="harmless">Fields that have no effect on the computation.</param>
    public void NoteUnknown(IReadOnlySet<string> harmless)
    {
        foreach (var field in root.EnumerateObject().Where(field => !asked.Contains(field.Name) && !harmless.Contains(field.Name)))
            Note(field.Name, $"is {Shown(field.Value)}, which is unknown and has no effect");
    }

    /// <summary>Adds a warning about a field.</summary>
    public void Note(string field, string what) => notes.Add(Error(field, what).Message.TrimEnd('.'));

    /// <summary>A field's value as written.</summary>
    public string Raw(string field) => root.GetProperty(field).GetRawText();

    public int Integer(string field, int? fallback = null)
        => Get(field, fallback, v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out var n) ? n : null, "must be an integer");

    /// <summary>An integer size or count with a maximum, so that a damaged file cannot request unlimited memory.</summary>
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

    /// <summary>A flag; null if the config does not specify it.</summary>
    public bool? OptionalFlag(string field) => Has(field) ? Flag(field) : null;

    public string Text(string field, string? fallback = null)
    {
        if (!Has(field))
            return Fallback(field, fallback) ?? throw Error(field, "must be a text");
        var value = root.GetProperty(field);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Error(field, $"is {Shown(value)}; it must be a text");
    }

    /// <summary>One of several names, as the value it stands for.</summary>
    /// <param name="field">The field.</param>
    /// <param name="fallback">The value of a missing field.</param>
    /// <param name="choices">The supported names.</param>
    public T Choice<T>(string field, T fallback, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        var usual = default(string);
        foreach (var (name, value) in choices)
            usual ??= EqualityComparer<T>.Default.Equals(value, fallback) ? name : null;
        var text = Text(field, usual);
        var names = new List<string>();
        foreach (var (name, value) in choices)
        {
            if (name == text)
                return value;
            names.Add(name);
        }

        throw Error(field, $"is \"{text}\"; supported values are {string.Join(", ", names)}");
    }

    /// <summary>A list of sizes, see <see cref="Size"/>: one for each level of a network.</summary>
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

    /// <summary>A field that is either one number for all levels or a list with one number per level.</summary>
    public IReadOnlyList<int> PerLevel(string field, int levels, int fallback)
    {
        if (!Has(field) || root.GetProperty(field).ValueKind != JsonValueKind.Array)
            return [.. Enumerable.Repeat(Size(field, fallback, MaxLayers), levels)];
        var list = Integers(field);
        if (!list.All(size => size is >= 1 and <= MaxLayers))
            throw Error(field, $"must have numbers from 1 to {MaxLayers}");
        return list.Count == levels ? list : throw Error(field, $"must have one number for each of the {levels} levels");
    }

    /// <summary>A config within this one, such as that of one of two encoders.</summary>
    public JsonConfig Object(string field) => Has(field) && root.GetProperty(field).ValueKind == JsonValueKind.Object
        ? new JsonConfig($"{path}, {field}", root.GetProperty(field))
        : throw Error(field, "must be an object");

    /// <summary>Rejects a field if its value is not the only supported one.</summary>
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
            throw Error(field, $"is {Shown(given)}, which is not supported");
    }

    // A warning for a default used in place of null, because the config may have meant to disable something; false and 0 need no warning.
    private T? Fallback<T>(string field, T? fallback)
    {
        if (IsNull(field) && fallback is not (null or false or 0.0))
            Note(field, $"is null; {(fallback is true ? "true" : fallback)} is used");
        return fallback;
    }

    private static string Shown(JsonElement value) => value.GetRawText() is var text && text.Length <= 60 ? text.ReplaceLineEndings(" ") : $"{text[..57].ReplaceLineEndings(" ")}…";

    // Python writes infinities and NaN in a form that JSON does not allow; scheduler configs contain them.
    private static ReadOnlyMemory<byte> QuoteInfinities(ReadOnlyMemory<byte> json)
    {
        if (json.Span.IndexOf("Infinity"u8) < 0 && json.Span.IndexOf("NaN"u8) < 0)
            return json;
        return Encoding.UTF8.GetBytes(BareNumber().Replace(Encoding.UTF8.GetString(json.Span), match => match.Groups[1].Success ? $"\"{match.Value}\"" : match.Value));
    }

    [GeneratedRegex("""\"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)""", RegexOptions.CultureInvariant)]
    private static partial Regex BareNumber();

    /// <summary>Rejects a non-empty list or object of unsupported options.</summary>
    public void ExpectEmpty(string field)
    {
        if (!Has(field))
            return;
        var given = root.GetProperty(field);
        if (given.GetRawText().Any(character => character is not ('[' or ']' or '{' or '}' or '"') && !char.IsWhiteSpace(character)))
            throw Error(field, $"is {Shown(given)}, which is not supported");
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
