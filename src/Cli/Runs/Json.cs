using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PromptToPrompt.Cli.Runs;

/// <summary>Writes JSON that is readable in every script, and reads JSON from other programs.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new(OneLine) { WriteIndented = true };

    /// <inheritdoc cref="Studio.Recipes.StudioJson.ReadObject"/>
    public static JsonObject? Object(string text) => Studio.Recipes.StudioJson.ReadObject(text);

    /// <summary>One line, for programs.</summary>
    public static string Line(JsonNode node) => node.ToJsonString(OneLine);

    /// <summary>Indented, for files.</summary>
    public static string File(JsonNode node) => node.ToJsonString(Indented) + "\n";

    /// <summary>A signal-to-noise ratio; null if it was not measured or is infinite, which JSON cannot express.</summary>
    public static double? Decibels(double? value) => value is { } number && double.IsFinite(number) ? Math.Round(number, 2) : null;

    /// <summary>An array of plain values.</summary>
    public static JsonArray Array<T>(IEnumerable<T> values) => [.. values.Select(value => (JsonNode?)JsonValue.Create(value))];
}
