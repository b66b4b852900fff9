using System.Text.Json;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>
/// A tokenizer in one file, <c>tokenizer.json</c>, as the tokenizers library writes it; newer directories contain only this file. Only
/// CLIP's tokenizer is supported; the remaining fields describe other types of tokenizers.
/// </summary>
internal sealed class TokenizerJson
{
    public const string FileName = "tokenizer.json";
    private const string Advice = "use the tokenizer of a Stable Diffusion model";
    private readonly string path;
    private readonly JsonElement root;

    private TokenizerJson(string path, JsonElement root) => (this.path, this.root) = (path, root);

    /// <summary>The vocabulary, token to id.</summary>
    public JsonElement Vocabulary => root.GetProperty("model").GetProperty("vocab");

    /// <summary>The pairs to merge, in order: each a string with a space, or an array of two strings.</summary>
    public IEnumerable<(string Left, string Right)> Merges => root.GetProperty("model").GetProperty("merges").EnumerateArray().Select((merge, i) => merge switch
    {
        { ValueKind: JsonValueKind.String } when merge.GetString()!.Split(' ') is [{ Length: > 0 } left, { Length: > 0 } right] => (left, right),
        { ValueKind: JsonValueKind.Array } when Texts(merge) is [var left, var right] => (left, right),
        _ => throw Invalid($"has the merge {i + 1}, which is not a pair of tokens"),
    });

    /// <summary>The added tokens with their ids, special or not.</summary>
    public IEnumerable<(string Text, int Id, bool IsSpecial)> Added =>
        !root.TryGetProperty("added_tokens", out var added) || added.ValueKind != JsonValueKind.Array ? [] : added.EnumerateArray().Select(token =>
            token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out var text) && text.ValueKind == JsonValueKind.String
                && token.TryGetProperty("id", out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out var id) && id >= 0
                ? (text.GetString()!, id, token.TryGetProperty("special", out var special) && special.ValueKind == JsonValueKind.True)
                : throw Invalid("has an added token without a text and an id"));

    /// <summary>The start and end tokens of every text; null if the file does not specify them.</summary>
    public (string Start, string End)? Ends => root.TryGetProperty("post_processor", out var processor) ? EndsOf(processor) : null;

    /// <summary>The padding token; null if the file does not specify it.</summary>
    public string? Pad => Object("padding") is { } padding && padding.TryGetProperty("pad_token", out var pad) && pad.ValueKind == JsonValueKind.String ? pad.GetString() : null;

    /// <summary>The maximum length; null if the file does not specify it.</summary>
    public int? MaxLength => Object("truncation") is { } truncation && truncation.TryGetProperty("max_length", out var length) && length.ValueKind == JsonValueKind.Number
        && length.TryGetInt32(out var number) ? number : null;

    /// <summary>Whether a directory has this file but neither of the two that it replaces.</summary>
    public static bool IsAlone(string directory) =>
        !File.Exists(Path.Combine(directory, BpeVocabulary.VocabularyFile)) && File.Exists(Path.Combine(directory, FileName));

    /// <summary>Reads a directory's <c>tokenizer.json</c>.</summary>
    /// <exception cref="InvalidInputException">The file is damaged, or is another type of tokenizer.</exception>
    public static TokenizerJson Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        using var json = TokenizerFile.ReadJson(path);
        var file = new TokenizerJson(path, json.RootElement.Clone());
        if (file.Object("model") is not { } model || !model.TryGetProperty("vocab", out var vocabulary) || vocabulary.ValueKind != JsonValueKind.Object
            || !model.TryGetProperty("merges", out var merges) || merges.ValueKind != JsonValueKind.Array)
        {
            throw file.Invalid("has no model with a vocabulary and merges, so it is not a byte-pair tokenizer");
        }

        file.Require(model, "type", "BPE", mayLack: true);
        file.Require(model, "end_of_word_suffix", ByteAlphabet.EndOfWord, mayLack: false);
        file.Require(model, "continuing_subword_prefix", "", mayLack: true);
        if (!file.root.TryGetProperty("normalizer", out var normalizer) || !normalizer.GetRawText().Contains("\"Lowercase\"", StringComparison.Ordinal))
            throw file.Invalid("does not lower-case text, as CLIP's tokenizer does");
        return file;
    }

    public InvalidInputException Invalid(string what) => TokenizerFile.Invalid(path, what, Advice);

    private (string Start, string End)? EndsOf(JsonElement processor)
    {
        if (processor.ValueKind != JsonValueKind.Object)
            return null;
        if (processor.TryGetProperty("processors", out var several) && several.ValueKind == JsonValueKind.Array)
            return several.EnumerateArray().Select(EndsOf).FirstOrDefault(ends => ends is not null);
        if (processor.TryGetProperty("cls", out var start) && processor.TryGetProperty("sep", out var end) && First(start) is { } cls && First(end) is { } sep)
            return (cls, sep);
        if (!processor.TryGetProperty("single", out var pieces) || pieces.ValueKind != JsonValueKind.Array)
            return null;
        var special = pieces.EnumerateArray()
            .Where(piece => piece.ValueKind == JsonValueKind.Object && piece.TryGetProperty("SpecialToken", out _))
            .Select(piece => piece.GetProperty("SpecialToken") is { ValueKind: JsonValueKind.Object } token && token.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String
                ? id.GetString()!
                : throw Invalid("has a special token without an id in its post_processor"))
            .ToList();
        return special is [var first, var last] ? (first, last) : null;
    }

    private static string? First(JsonElement pair) => pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() > 0 && pair[0].ValueKind == JsonValueKind.String ? pair[0].GetString() : null;

    private static List<string> Texts(JsonElement list) =>
        [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : "").Where(text => text.Length > 0)];

    private JsonElement? Object(string name) => root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;

    private void Require(JsonElement model, string field, string expected, bool mayLack)
    {
        var isThere = model.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null;
        if (isThere ? value.ValueKind != JsonValueKind.String || value.GetString() != expected : !mayLack)
            throw Invalid($"has the {field} {(isThere ? value.GetRawText() : "null")}; CLIP's tokenizer has \"{expected}\"");
    }
}
