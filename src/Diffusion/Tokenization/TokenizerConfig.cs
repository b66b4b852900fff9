using System.Text.Encodings.Web;
using System.Text.Json;
using PromptToPrompt.Diffusion.Checkpoints;

namespace PromptToPrompt.Diffusion.Tokenization;

/// <summary>What <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c> say: the special tokens and the model's length.</summary>
internal sealed record TokenizerConfig(string Start, string End, string Pad, int MaxLength)
{
    public const string ConfigFile = "tokenizer_config.json";
    public const string SpecialTokensFile = "special_tokens_map.json";

    // Far beyond any text encoder, yet small enough to allocate: files without a real limit give a length of 10^30.
    private const int LargestLength = 1 << 16;

    /// <summary>Reads both files; the map, which some directories lack, fills in what the configuration does not name.</summary>
    /// <exception cref="InvalidInputException">A file is missing or damaged, or a token or the length is not given.</exception>
    public static TokenizerConfig Load(string directory)
    {
        var configPath = Path.Combine(directory, ConfigFile);
        var mapPath = Path.Combine(directory, SpecialTokensFile);
        using var config = TokenizerFile.ReadJson(configPath);
        using var map = File.Exists(mapPath) ? TokenizerFile.ReadJson(mapPath) : null;
        if (!config.RootElement.TryGetProperty("model_max_length", out var length)
            || length.ValueKind != JsonValueKind.Number || !length.TryGetInt32(out var maxLength) || maxLength is < 2 or > LargestLength)
        {
            var what = $"has no \"model_max_length\" from 2 to {LargestLength}";
            throw TokenizerFile.Invalid(configPath, what, "add it (Stable Diffusion has 77)");
        }

        return new TokenizerConfig(Token("bos_token"), Token("eos_token"), Token("pad_token"), maxLength);

        string Token(string name) =>
            Content(config.RootElement, name)
            ?? (map is null ? null : Content(map.RootElement, name))
            ?? throw TokenizerFile.Invalid(configPath, $"does not name the \"{name}\"", $"add it here or in {SpecialTokensFile}");
    }

    /// <summary>Writes both files.</summary>
    public void Save(string directory)
    {
        // The default encoder writes "<" and ">" as escapes: right, but nobody can read the file.
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

    // A token is written either as its text or as an object that describes it.
    private static string? Content(JsonElement settings, string name)
    {
        if (!settings.TryGetProperty(name, out var token))
            return null;
        if (token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out var content))
            token = content;
        return token.ValueKind == JsonValueKind.String ? token.GetString() : null;
    }
}
