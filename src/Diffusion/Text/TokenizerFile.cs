using System.Text;
using System.Text.Json;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>Reads the files of a tokenizer directory, with clear errors.</summary>
internal static class TokenizerFile
{
    public static string ReadText(string path)
    {
        if (!File.Exists(path))
            throw Invalid(path, "is missing", "a tokenizer directory has vocab.json, merges.txt and tokenizer_config.json");
        byte[] bytes = [];
        try
        {
            bytes = File.ReadAllBytes(path);
            return TextFile.Decode(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            if (FileSignature.Of(bytes) is { } other && bytes.Length > 0)
                throw Foreign(path, other, e);
            throw Invalid(path, $"cannot be read as UTF-8 text ({e.Message.TrimEnd('.')})", "check the file and its permissions", e);
        }
    }

    /// <summary>Reads a file that contains one JSON object.</summary>
    public static JsonDocument ReadJson(string path)
    {
        JsonDocument json;
        var text = ReadText(path);
        try
        {
            json = JsonDocument.Parse(text);
            if (text.Contains(@"\ud", StringComparison.OrdinalIgnoreCase))
                ReadTexts(json.RootElement);
        }
        catch (InvalidOperationException e)
        {
            throw Invalid(path, "contains a string with an unpaired surrogate", "copy the tokenizer directory from its source again", e);
        }
        catch (JsonException e)
        {
            if (FileSignature.Of(Encoding.UTF8.GetBytes(text)) is { } other && other.Format != FileFormat.Json)
                throw Foreign(path, other, e);
            throw Invalid(path, $"is not JSON ({e.Message.TrimEnd('.')})", "copy the tokenizer directory from its source again", e);
        }

        if (json.RootElement.ValueKind == JsonValueKind.Object)
            return json;
        json.Dispose();
        throw Invalid(path, "is not a JSON object", "copy the tokenizer directory from its source again");
    }

    // The parser accepts unpaired surrogates and fails only when the string is read.
    private static void ReadTexts(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            _ = value.GetString();
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in value.EnumerateArray())
                ReadTexts(item);
        }
        else if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in value.EnumerateObject())
            {
                _ = property.Name;
                ReadTexts(property.Value);
            }
        }
    }

    /// <summary>The error for a file of another format.</summary>
    public static InvalidInputException Foreign(string path, FileSignature other, Exception? inner = null) =>
        Invalid(path, $"is {other.Description}, not part of a tokenizer", other.Advice, inner);

    public static InvalidInputException Invalid(string path, string what, string advice, Exception? inner = null) =>
        new($"{path}: {what}; {advice}.".ReplaceLineEndings(" "), inner);
}
