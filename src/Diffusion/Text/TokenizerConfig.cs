using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>The special tokens and the maximum length, from <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>.</summary>
internal sealed record TokenizerConfig(string Start, string End, string Pad, int MaxLength)
{
    public const string ConfigFile = "tokenizer_config.json";
    public const string SpecialTokensFile = "special_tokens_map.json";
    private const string AddedTokensFile = "added_tokens.json";

    // Far beyond any text encoder, yet small enough to allocate: files without a real limit contain a length of 10^30.
    private const int MaxAllowedLength = 1 << 16;

    private const int MaxVocabulary = 1 << 20;

    /// <summary>Reads both files. The map, which some directories lack, supplies values that the config does not have, as does a standalone <c>tokenizer.json</c>.</summary>
    /// <exception cref="InvalidInputException">A file is missing or damaged, or a token or the length is missing.</exception>
    public static TokenizerConfig Load(string directory)
    {
        var configPath = Path.Combine(directory, ConfigFile);
        var mapPath = Path.Combine(directory, SpecialTokensFile);
        var whole = TokenizerJson.IsAlone(directory) ? TokenizerJson.Read(directory) : null;
        using var config = whole is null || File.Exists(configPath) ? TokenizerFile.ReadJson(configPath) : null;
        using var map = File.Exists(mapPath) ? TokenizerFile.ReadJson(mapPath) : null;
        var length = config is null ? null : Length(config.RootElement);
        if (length is null && whole is null)
        {
            var what = $"has no \"model_max_length\" from 2 to {MaxAllowedLength}";
            throw TokenizerFile.Invalid(configPath, what, "add it (Stable Diffusion has 77)");
        }

        var start = Token("bos_token", whole?.Ends?.Start ?? (whole is null ? null : BpeVocabulary.StartOfText));
        var end = Token("eos_token", whole?.Ends?.End ?? (whole is null ? null : BpeVocabulary.EndOfText));
        return new TokenizerConfig(
            start,
            end,
            // CLIP pads with the end token by default.
            Token("pad_token", whole is null ? null : whole.Pad ?? end),
            length ?? (whole?.MaxLength is >= 2 and <= MaxAllowedLength and var cut ? cut : ClipTokenizer.DefaultMaxLength));

        string Token(string name, string? fallback) =>
            (config is null ? null : Content(config.RootElement, name))
            ?? (map is null ? null : Content(map.RootElement, name))
            ?? fallback
            ?? throw TokenizerFile.Invalid(configPath, $"has no \"{name}\"", $"add it here or in {SpecialTokensFile}");
    }

    /// <summary>
    /// Words that were added to a directory's vocabulary, for example by textual inversion: in <c>tokenizer.json</c>, among the tokens in
    /// <c>tokenizer_config.json</c>, or in <c>added_tokens.json</c>.
    /// </summary>
    /// <param name="directory">The directory.</param>
    /// <param name="vocabulary">Its vocabulary.</param>
    /// <exception cref="InvalidInputException">A file is damaged, or an added token is not a single word with a unique id.</exception>
    public static IReadOnlyList<AddedToken> AddedWords(string directory, BpeVocabulary vocabulary)
    {
        var found = new SortedDictionary<int, string>();
        if (TokenizerJson.IsAlone(directory))
        {
            foreach (var (text, id, _) in TokenizerJson.Read(directory).Added)
                Add(TokenizerJson.FileName, text, id);
        }

        if (File.Exists(Path.Combine(directory, ConfigFile)))
        {
            using var config = TokenizerFile.ReadJson(Path.Combine(directory, ConfigFile));
            if (config.RootElement.TryGetProperty("added_tokens_decoder", out var decoder) && decoder.ValueKind == JsonValueKind.Object)
            {
                foreach (var token in decoder.EnumerateObject())
                    Add(ConfigFile, Content(decoder, token.Name), int.TryParse(token.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : -1);
            }
        }

        if (File.Exists(Path.Combine(directory, AddedTokensFile)))
        {
            using var added = TokenizerFile.ReadJson(Path.Combine(directory, AddedTokensFile));
            foreach (var token in added.RootElement.EnumerateObject())
                Add(AddedTokensFile, token.Name, token.Value.ValueKind == JsonValueKind.Number && token.Value.TryGetInt32(out var id) ? id : -1);
        }

        return [.. found.Select(token => new AddedToken(token.Value, token.Key, 1))];

        void Add(string file, string? text, int id)
        {
            if (text is not null && vocabulary.Contains(text))
                return;
            var isNew = id >= vocabulary.Tokens.Count && id < MaxVocabulary && (!found.TryGetValue(id, out var before) || before == text);
            if (text is not { Length: > 0 } || text.Any(char.IsWhiteSpace) || !isNew)
                throw TokenizerFile.Invalid(Path.Combine(directory, file), $"has the added token \"{text}\" with the id {id}, which is not a single word with a unique id above {vocabulary.Tokens.Count - 1}", "correct the file");
            found[id] = text;
        }
    }

    /// <summary>Writes both files.</summary>
    public void Save(string directory)
    {
        // The default encoder escapes "<" and ">", which makes the file hard to read.
        var options = new JsonSerializerOptions
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            WriteIndented = true,
        };
        var tokens = new Dictionary<string, object>
        {
            ["bos_token"] = Start,
            ["eos_token"] = End,
            ["pad_token"] = Pad,
            ["unk_token"] = End,
        };
        AtomicFile.WriteText(Path.Combine(directory, SpecialTokensFile), JsonSerializer.Serialize(tokens, options) + "\n");
        tokens["add_prefix_space"] = false;
        tokens["do_lower_case"] = true;
        tokens["errors"] = "replace";
        tokens["model_max_length"] = MaxLength;
        tokens["tokenizer_class"] = "CLIPTokenizer";
        AtomicFile.WriteText(Path.Combine(directory, ConfigFile), JsonSerializer.Serialize(tokens, options) + "\n");
    }

    private static int? Length(JsonElement config) =>
        config.TryGetProperty("model_max_length", out var length) && length.ValueKind == JsonValueKind.Number && length.TryGetInt32(out var number) && number is >= 2 and <= MaxAllowedLength
            ? number : null;

    // A token is either a string or an object that describes it.
    private static string? Content(JsonElement settings, string name)
    {
        if (!settings.TryGetProperty(name, out var token))
            return null;
        if (token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out var content))
            token = content;
        return token.ValueKind == JsonValueKind.String ? token.GetString() : null;
    }
}
