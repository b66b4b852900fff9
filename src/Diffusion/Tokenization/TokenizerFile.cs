using System.Text;
using System.Text.Json;

namespace PromptToPrompt.Diffusion.Tokenization;

/// <summary>Reading a tokenizer directory's files, with one true sentence when that fails.</summary>
internal static class TokenizerFile
{
    public static string ReadText(string path)
    {
        if (!File.Exists(path))
            throw Invalid(path, "is missing", "a tokenizer directory has vocab.json, merges.txt and tokenizer_config.json");
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw Invalid(path, $"cannot be read as UTF-8 text ({e.Message.TrimEnd('.')})", "check the file and who may read it", e);
        }
    }

    /// <summary>Reads a file that holds one JSON object.</summary>
    public static JsonDocument ReadJson(string path)
    {
        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(ReadText(path));
        }
        catch (JsonException e)
        {
            throw Invalid(path, $"is not JSON ({e.Message.TrimEnd('.')})", "copy the tokenizer directory from its source again", e);
        }

        if (json.RootElement.ValueKind == JsonValueKind.Object)
            return json;
        json.Dispose();
        throw Invalid(path, "is not a JSON object", "copy the tokenizer directory from its source again");
    }

    public static InvalidInputException Invalid(string path, string what, string advice, Exception? inner = null) =>
        new($"{path}: {what}; {advice}.".ReplaceLineEndings(" "), inner);
}
