using System.Text;
using System.Text.Json;
using PromptToPrompt.Diffusion.Checkpoints;

namespace PromptToPrompt.Diffusion.Tokenization;

/// <summary>Reading a tokenizer directory's files, with one true sentence when that fails.</summary>
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
            throw Invalid(path, $"cannot be read as UTF-8 text ({e.Message.TrimEnd('.')})", "check the file and who may read it", e);
        }
    }

    /// <summary>Reads a file that holds one JSON object.</summary>
    public static JsonDocument ReadJson(string path)
    {
        JsonDocument json;
        var text = ReadText(path);
        try
        {
            json = JsonDocument.Parse(text);
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

    /// <summary>A file that is something else.</summary>
    public static InvalidInputException Foreign(string path, FileSignature other, Exception? inner = null) =>
        Invalid(path, $"is {other.Description}, and no part of a tokenizer", other.Advice, inner);

    public static InvalidInputException Invalid(string path, string what, string advice, Exception? inner = null) =>
        new($"{path}: {what}; {advice}.".ReplaceLineEndings(" "), inner);
}
