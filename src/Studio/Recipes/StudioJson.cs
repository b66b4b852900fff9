using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>The studio's JSON settings, for its store and for HTTP.</summary>
internal static class StudioJson
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>camelCase names, unescaped text in every script; refuses unknown names and null for non-nullable values.</summary>
    public static JsonSerializerOptions Options { get; } = Apply(new JsonSerializerOptions(JsonSerializerDefaults.Web) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() });

    public static JsonSerializerOptions Apply(JsonSerializerOptions options)
    {
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.AllowOutOfOrderMetadataProperties = true;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.RespectNullableAnnotations = true;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        return options;
    }

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Options);

    public static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, Options)!;

    public static JsonNode? Node<T>(T value) => JsonSerializer.SerializeToNode(value, Options);

    /// <summary>Parses an object; null if the text is not one, or has duplicate names or lone surrogates, which otherwise fail later.</summary>
    public static JsonObject? ReadObject(string text)
    {
        try
        {
            var read = JsonNode.Parse(text, documentOptions: Strict) as JsonObject;
            LookAt(read);
            return read;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    private static void LookAt(JsonNode? node)
    {
        if (node is JsonObject parts)
        {
            foreach (var part in parts)
                LookAt(part.Value);
        }
        else if (node is JsonArray items)
        {
            foreach (var item in items)
                LookAt(item);
        }
        else if (node?.GetValueKind() == JsonValueKind.String)
        {
            node.GetValue<string>();
        }
    }
}
