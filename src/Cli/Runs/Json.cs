using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PromptToPrompt.Cli.Runs;

/// <summary>How JSON is written, so that words stay readable in every script, and how what others wrote is read.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new(OneLine) { WriteIndented = true };

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads an object; null where a text is none, or has a name twice or half a character, which fail only where they are looked at.</summary>
    public static JsonObject? Object(string text)
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

    /// <summary>For programs: one line.</summary>
    public static string Line(JsonNode node) => node.ToJsonString(OneLine);

    /// <summary>For files.</summary>
    public static string File(JsonNode node) => node.ToJsonString(Indented) + "\n";

    /// <summary>A signal-to-noise ratio; null where it is infinite, which JSON cannot say, or was not measured.</summary>
    public static double? Decibels(double? value) => value is { } number && double.IsFinite(number) ? Math.Round(number, 2) : null;

    /// <summary>An array of plain values.</summary>
    public static JsonArray Array<T>(IEnumerable<T> values) => [.. values.Select(value => (JsonNode?)JsonValue.Create(value))];
}
